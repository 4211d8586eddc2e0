/** What the page says, in the visitor's language. Both tables have the same keys; a test sees to it. */

import { recall, remember } from './dom.js'
import { FAULTS_ENGLISH } from './faults-en.js'
import { FAULTS_CHINESE } from './faults-zh.js'
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
  document.dispatchEvent(new Event('mien-language'))
}

/** A sentence, with {names} filled in. @param {string} key @param {Record<string, string|number>} [filling] */
export function say(key, filling = {}) {
  const text = TABLES[language]?.[key] ?? ENGLISH[key] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name) => String(filling[name] ?? ''))
}

/**
 * What an error of the server means, by its code, and what more there is to say of it. The server speaks English: its own
 * sentence is for those who read English, and for codes that the page does not know.
 * @param {{code?: string, message?: string, hint?: string}} error
 */
export function explain({ code = '', message = '', hint = '' }) {
  const table = language === 'zh' ? FAULTS_CHINESE : FAULTS_ENGLISH
  const own = [message, hint].filter(Boolean).join(' ')
  const title = table[code] ?? table[code.split('.')[0]] ?? say('error')
  return { title, more: language === 'zh' && code in table ? commandIn(own) : own, known: code in table }
}

/** The same as one text. @param {{code?: string, message?: string, hint?: string}} error */
export function explained(error) {
  const { title, more, known } = explain(error)
  if (language === 'zh') return known || !more ? [title, more].filter(Boolean).join(' ') : more
  return more || title
}

/** The command that mends something, which is the same in all languages. @param {string} text */
export function commandIn(text) {
  return text.match(/(?:pip install|mien [a-z]+|apt install|export [A-Z_]+=).*/)?.[0].replace(/[.;]? *$/, '') ?? ''
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
