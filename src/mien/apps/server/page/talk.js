/** How you talk to the avatar: the text field, the microphone's button, the space bar, the stop button. */

import { recall, the } from './dom.js'
import { Microphone } from './microphone.js'
import { say, translate } from './words.js'

const REMARK_MS = 6000

/** Events: "ask" {text}, "stop", "press", "release", "gesture". */
export class Talk extends EventTarget {
  /** @param {Microphone} microphone */
  constructor(microphone) {
    super()
    this.microphone = microphone
    this.field = the('question', HTMLTextAreaElement)
    this.button = the('mic', HTMLButtonElement)
    this.stopButton = the('stop', HTMLButtonElement)
    this.holding = false
    the('ask', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#send()
    })
    this.field.addEventListener('keydown', (event) => this.#typed(event))
    this.field.addEventListener('input', () => this.#grow())
    this.stopButton.addEventListener('click', () => this.#emit('stop'))
    this.#listenToButton()
    this.#listenToKeys()
    microphone.addEventListener('change', () => this.show())
    microphone.addEventListener('level', (event) => {
      const { level } = /** @type {CustomEvent} */ (event).detail
      this.button.style.setProperty('--level', level.toFixed(2))
    })
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => this.#emit('gesture'), { capture: true })
  }

  get handsFree() {
    return recall('handsFree', 'on') !== 'off' // a puppeteer's microphone is on or off, too
  }

  /** @param {boolean} busy  whether there is something to stop */
  busy(busy) {
    this.stopButton.setAttribute('aria-disabled', String(!busy))
  }

  /** A short word under the text field. @param {string} text @param {HTMLElement} [link]  which stays longer */
  remark(text, link) {
    const line = the('remark', HTMLElement)
    line.replaceChildren(text, ...(link ? [' ', link] : []))
    clearTimeout(this.forgets)
    if (text) this.forgets = setTimeout(() => line.replaceChildren(), link ? 10 * REMARK_MS : REMARK_MS)
  }

  show() {
    const held = !this.handsFree
    this.button.setAttribute('aria-pressed', String(held ? this.holding : this.microphone.on))
    this.button.dataset.sayLabel = held ? 'micHold' : this.microphone.on ? 'micOff' : 'micOn'
    translate(/** @type {HTMLElement} */ (this.button.parentElement))
  }

  #send() {
    const text = this.field.value.trim()
    if (!text) return
    const taken = this.dispatchEvent(new CustomEvent('ask', { detail: { text }, cancelable: true }))
    if (!taken) return
    this.field.value = ''
    this.#grow()
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    this.#send()
  }

  #grow() {
    const { field } = this
    field.style.height = 'auto'
    field.style.height = `${Math.min(field.scrollHeight, 132)}px`
  }

  #listenToButton() {
    const { button } = this
    button.addEventListener('click', () => {
      if (this.handsFree) this.#toggle()
    })
    button.addEventListener('pointerdown', (event) => {
      if (this.handsFree || event.button) return
      button.setPointerCapture(event.pointerId)
      this.#hold()
    })
    for (const kind of ['pointerup', 'pointercancel', 'lostpointercapture']) button.addEventListener(kind, () => this.#let())
    button.addEventListener('contextmenu', (event) => event.preventDefault()) // a long press on a phone
  }

  #listenToKeys() {
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) this.#emit('stop')
      if (event.code !== 'Space' || !this.#free(event.target)) return
      event.preventDefault()
      if (!event.repeat) this.#hold()
    })
    addEventListener('keyup', (event) => {
      if (event.code !== 'Space' || !this.holding) return
      event.preventDefault()
      this.#let()
    })
    addEventListener('blur', () => this.#let())
  }

  /** Whether the space bar has nothing else to do where the focus is. @param {EventTarget|null} target */
  #free(target) {
    if (document.querySelector('dialog[open]') || !(target instanceof Element)) return false
    return target === this.button || !target.closest('button, input, textarea, select, summary, a, [contenteditable]')
  }

  async #toggle() {
    if (this.microphone.on) this.microphone.close()
    else await this.#open()
  }

  async #hold() {
    if (this.holding) return
    this.holding = true
    this.show()
    if (!this.microphone.on && !(await this.#open())) this.holding = false
    if (this.holding) this.#emit('press')
    this.show()
  }

  #let() {
    if (!this.holding) return
    this.holding = false
    this.#emit('release')
    this.show()
  }

  async #open() {
    try {
      await this.microphone.open()
      return true
    } catch (error) {
      this.remark(say(/** @type {Error} */ (error).message))
      return false
    }
  }

  /** @param {string} type */
  #emit(type) {
    this.dispatchEvent(new Event(type))
  }
}
