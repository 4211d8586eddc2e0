/** The studio: the list of projects, or one of them; and the films that are made. */

import { make } from './dom.js'
import { api, told } from './studio-api.js'
import { Editor } from './studio-editor.js'
import { StudioEvents } from './studio-events.js'
import { ProjectList } from './studio-list.js'
import { Queue } from './studio-queue.js'

export class Studio {
  /** @param {HTMLElement} place @param {any} offer what the server says of its studio */
  constructor(place, offer) {
    this.place = place
    this.offer = offer
    this.list = new ProjectList(offer)
    this.events = new StudioEvents()
    this.queue = new Queue(this.events)
    this.words = make('p', { class: 'studio-words', role: 'status' })
    /** @type {Editor|null} */
    this.editor = null
    this.name = ''
    this.list.addEventListener('open', (given) => {
      location.hash = `#studio/${encodeURIComponent(/** @type {CustomEvent} */ (given).detail.name)}`
    })
    this.queue.addEventListener('fault', (given) => this.#say(/** @type {CustomEvent} */ (given).detail))
    document.addEventListener('mien-language', () => this.#translated())
    addEventListener('beforeunload', (event) => {
      if (this.editor && this.editor.project.state !== 'saved') event.preventDefault()
    })
    Object.defineProperty(window, 'mienStudio', { value: this, configurable: true }) // for tests and the console
  }

  /** Show a project, "" = the list. @param {string} name */
  async go(name) {
    this.events.begin(name)
    if (name && this.editor && name === this.name) return
    await this.#close()
    this.name = name
    this.#say('')
    if (!name) return this.#home()
    this.place.dataset.view = 'editor'
    try {
      const info = await api.read(name)
      if (name !== this.name) return
      this.editor = new Editor(info, this.offer, this.events)
      this.editor.addEventListener('rendered', () => {
        this.queue.look()
        this.queue.element.scrollIntoView({ behavior: 'smooth' })
      })
      this.place.replaceChildren(this.words, this.editor.element, this.queue.element)
    } catch (error) {
      this.#home()
      this.#say(told(error))
    }
  }

  /** The conversation comes instead. */
  leave() {
    this.events.stop()
    this.#close()
    this.name = ''
  }

  async #close() {
    const { editor } = this
    this.editor = null
    await editor?.close()
  }

  #home() {
    this.place.dataset.view = 'list'
    this.place.replaceChildren(this.words, this.list.element, this.queue.element)
    this.list.load()
  }

  /** @param {string} text */
  #say(text) {
    this.words.textContent = text
  }

  #translated() {
    this.list.render()
    this.queue.render()
    this.editor?.render()
  }
}
