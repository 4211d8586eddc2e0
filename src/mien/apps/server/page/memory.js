/** What the server remembers of this visitor: off unless they turn it on; shown, and erased when they say so. */

import { ApiError, call } from './api.js'
import { make, recall, remember } from './dom.js'
import { knows, say, translate } from './words.js'

/** The name by which the server knows this browser, "" = it is to remember nobody. Nobody can guess it. */
export function visitor() {
  return recall('visitor', '')
}

/** What kind of fact it is. @param {string} key as the server names it */
function factName(key) {
  const word = `fact_${key.replaceAll(' ', '_')}`
  return knows(word) ? say(word) : key
}

/** Events: "change" when remembering goes on or off. */
export class MemoryGroup extends EventTarget {
  constructor() {
    super()
    this.mode = 'off' // of the server
    /** @type {any} */
    this.kept = null
    this.open = false
  }

  /** @returns {HTMLElement[]} */
  content() {
    if (this.mode === 'off' && !visitor()) return [make('p', { class: 'about', 'data-say': 'memoryOff' })]
    const box = make('input', { type: 'checkbox', class: 'switch', role: 'switch', 'data-key': 'visitor', checked: Boolean(visitor()) })
    box.addEventListener('change', () => this.#turn(box.checked))
    const days = String(this.kept?.keep_days ?? 90)
    return [
      make('label', { class: 'row' }, make('span', { 'data-say': 'remember' }), box),
      make('p', { class: 'about' }, say('memoryAbout', { n: days })),
      ...(visitor() ? [this.#shown()] : []),
      this.line,
    ]
  }

  /** Ask the server what it keeps. */
  async load() {
    const asked = visitor()
    this.kept = await call('GET', `api/visitors/${asked || 'nobody'}/memory`).catch(() => null)
    this.mode = this.kept?.mode ?? 'off'
  }

  line = make('p', { class: 'about', role: 'status' })

  #shown() {
    const details = make('details', { class: 'kept', open: this.open })
    details.addEventListener('toggle', () => (this.open = details.open))
    const { facts = {}, summary = '', said = [] } = this.kept ?? {}
    const lines = Object.entries(facts).map(([key, value]) => make('li', {}, `${factName(key)}${say('colon')}${value}`))
    if (summary) lines.push(make('li', {}, summary))
    if (said.length) lines.push(make('li', {}, say('memorySaid', { n: said.length }), this.#talk(said)))
    const erase = make('button', { class: 'line', type: 'button', 'data-say': 'memoryErase', 'data-key': 'erase' })
    erase.addEventListener('click', () => this.#erase())
    details.append(make('summary', { 'data-say': 'memoryShow' }),
      lines.length ? make('ul', {}, ...lines) : make('p', { class: 'about', 'data-say': 'memoryNothing' }), ...(lines.length ? [erase] : []))
    return details
  }

  /** @param {{role: string, text: string}[]} said */
  #talk(said) {
    return make('ul', {}, ...said.map(({ role, text }) => make('li', { class: role === 'user' ? 'mine' : '' }, text)))
  }

  /** @param {boolean} on */
  async #turn(on) {
    const before = visitor()
    try {
      const name = on ? before || `page-${crypto.getRandomValues(new Uint32Array(4)).join('-')}` : before
      this.kept = await call(on ? 'POST' : 'DELETE', `api/visitors/${name}/memory`, on ? { agreed: true } : undefined)
      remember('visitor', on ? name : '')
      await this.load()
      this.#say(on ? '' : say('memoryErased'))
      this.dispatchEvent(new Event('change'))
    } catch (error) {
      this.#say(error instanceof ApiError ? error.sentence : String(error))
    }
    this.dispatchEvent(new Event('render'))
  }

  /** Everything goes; remembering goes on, as the switch says. */
  async #erase() {
    try {
      await call('DELETE', `api/visitors/${visitor()}/memory`)
      await call('POST', `api/visitors/${visitor()}/memory`, { agreed: true })
      this.#say(say('memoryErased'))
    } catch (error) {
      this.#say(error instanceof ApiError ? error.sentence : String(error))
    }
    await this.load()
    this.dispatchEvent(new Event('render'))
  }

  /** @param {string} text */
  #say(text) {
    this.line.textContent = text
    translate(this.line)
  }
}
