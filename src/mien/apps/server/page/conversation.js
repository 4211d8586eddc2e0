/** What was said: the caption under the avatar and the list beside it, with sources. */

import { joined } from './captions.js'
import { make, the } from './dom.js'
import { say } from './words.js'

const LINGERS = 4000 // ms that the last caption stays
const MOST = 200

export class Conversation {
  constructor() {
    this.log = the('log', HTMLElement)
    the('timing', HTMLDetailsElement).addEventListener('toggle', () => this.#scroll())
    this.caption = the('caption', HTMLElement)
    this.partialLine = the('partial', HTMLElement)
    this.name = 'Mien'
    /** @type {Map<number, {box: HTMLElement, words: HTMLElement, cited: import('./types.js').Citation[]}>} */
    this.answers = new Map()
  }

  /** @param {string} text */
  mine(text) {
    this.partial('')
    this.#add(make('div', { class: 'said mine' }, make('h3', {}, say('you')), make('p', {}, text)))
  }

  /** A clause is being heard. @param {import('./captions.js').Clause} clause */
  heard(clause) {
    clearTimeout(this.fading)
    this.caption.classList.remove('past')
    this.caption.replaceChildren(...breakable(clause.text))
    const answer = this.#answer(clause.turn)
    const before = answer.words.textContent ?? ''
    answer.words.textContent = joined(before, clause.text)
    answer.cited.push(...(clause.citations ?? []))
    this.#cite(answer)
    this.#scroll()
  }

  /** Something the avatar says without having been asked, such as a greeting. @param {string} text */
  greeting(text) {
    if (!text) return
    this.#add(make('div', { class: 'said' }, make('h3', {}, this.name), make('p', {}, text)))
  }

  /** What is being said right now, "" = nothing. @param {string} text */
  partial(text) {
    this.partialLine.hidden = !text
    this.partialLine.textContent = text
  }

  /** What of an answer was really heard. @param {string} text */
  said(text) {
    this.lastSaid = text
  }

  /** An answer was cut short. @param {number} turn */
  cut(turn) {
    const answer = this.answers.get(turn)
    this.over()
    if (!answer || answer.box.querySelector('.cut')) return
    if (this.lastSaid && answer.words.textContent?.startsWith(this.lastSaid)) answer.words.textContent = this.lastSaid
    answer.words.after(make('p', { class: 'cut' }, `— ${say('cutShort')}`))
  }

  /** Nothing is being said any more. */
  over() {
    clearTimeout(this.fading)
    this.fading = setTimeout(() => {
      this.caption.classList.add('past')
      this.fading = setTimeout(() => this.caption.replaceChildren(), 600)
    }, LINGERS)
  }

  /** @param {{title: string, more: string}} error */
  fault({ title, more }) {
    this.#add(make('div', { class: 'said fault', role: 'alert' }, make('strong', {}, title), ...(more ? [make('p', {}, more)] : [])))
  }

  /** @param {number} turn */
  #answer(turn) {
    const found = this.answers.get(turn)
    if (found) return found
    const words = make('p')
    const box = make('div', { class: 'said' }, make('h3', {}, this.name), words)
    const answer = { box, words, cited: [] }
    this.answers.set(turn, answer)
    this.#add(box)
    return answer
  }

  /** @param {{box: HTMLElement, cited: import('./types.js').Citation[]}} answer */
  #cite({ box, cited }) {
    const seen = new Map(cited.map((one) => [`${one.source} ${one.place} ${one.quote}`, one]))
    if (!seen.size) return
    const open = box.querySelector('details')?.open ?? false
    const items = [...seen.values()].map(({ source, place, quote }) =>
      make('li', {}, make('span', {}, [source, place].filter(Boolean).join(' · ')), ...(quote ? [make('q', {}, quote)] : [])))
    const details = make('details', { class: 'cited', open }, make('summary', {}, `${say('sources')} (${items.length})`), make('ul', {}, ...items))
    box.querySelector('details')?.remove()
    box.append(details)
  }

  /** @param {HTMLElement} box */
  #add(box) {
    the('empty', HTMLElement).hidden = true
    this.log.append(box)
    while (this.log.childElementCount > MOST) this.log.children[1].remove()
    this.#scroll()
  }

  #scroll() {
    const { log } = this
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 240) log.scrollTop = log.scrollHeight
  }
}

/** A text that may break between words, in Chinese too. @param {string} text @returns {(Node|string)[]} */
function breakable(text) {
  if (!/[\u3040-\u9fff]/.test(text) || !Intl.Segmenter) return [text]
  /** @type {(Node|string)[]} */
  const out = []
  for (const { segment, isWordLike } of new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)) {
    if (out.length && isWordLike) out.push(make('wbr'))
    out.push(segment)
  }
  return out
}
