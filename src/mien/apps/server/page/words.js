/** What the page says, in the visitor's language. Both tables have the same keys; a test sees to it. */

import { recall, remember } from './dom.js'
import { ENGLISH } from './words-en.js'
import { CHINESE } from './words-zh.js'

/** @type {Record<string, Record<string, string>>} */
const TABLES = { en: ENGLISH, zh: CHINESE }

let language = recall('language', chosen(navigator.languages ?? [navigator.language]))

/** The first of somebody's languages that the page speaks. @param {readonly string[]} wanted */
export function chosen(wanted) {
  return wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => one in TABLES) ?? 'en'
}

export function currentLanguage() {
  return language
}

/** @param {string} wanted */
export function setLanguage(wanted) {
  language = wanted in TABLES ? wanted : 'en'
  remember('language', language)
  translate(document)
}

/** A sentence, with {names} filled in. @param {string} key @param {Record<string, string|number>} [filling] */
export function say(key, filling = {}) {
  const text = TABLES[language]?.[key] ?? ENGLISH[key] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name) => String(filling[name] ?? ''))
}

export function knows(/** @type {string} */ key) {
  return key in ENGLISH
}

/** Put the words into what is marked: data-say is the text, data-say-label what it is called. @param {ParentNode} root */
export function translate(root) {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[data-say]'))) {
    element.textContent = say(element.dataset.say ?? '')
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll('[data-say-label]'))) {
    const text = say(element.dataset.sayLabel ?? '')
    element.setAttribute('aria-label', text)
    if (element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement) element.placeholder = text
    else element.title = text
  }
}
