/** The small film, of a scene or of all, in the place of the still: asked for, waited for, watched. */

import { ApiError } from './api.js'
import { make } from './dom.js'
import { api, told } from './studio-api.js'
import { button } from './studio-fields.js'
import { say } from './words.js'

/** Events: "change" when it begins or ends to be there. */
export class Player extends EventTarget {
  /** @param {import('./studio-project.js').Project} project @param {EventTarget} events of the studio */
  constructor(project, events) {
    super()
    this.project = project
    this.events = events
    this.words = make('p', { role: 'status' })
    this.bar = make('progress', { max: '1' })
    this.element = make('div', { class: 'player', hidden: true })
    this.following = (/** @type {Event} */ given) => this.#progress(/** @type {CustomEvent} */ (given).detail.drafts[this.mark])
    events.addEventListener('drafts', this.following)
    this.mark = ''
    this.url = ''
  }

  get busy() {
    return this.asking !== undefined
  }

  /** Make it and play it. @param {number|null} scene null = the whole film */
  async play(scene) {
    this.stop()
    const asking = (this.asking = new AbortController())
    this.mark = crypto.getRandomValues(new Uint32Array(3)).join('-')
    this.bar.removeAttribute('value')
    this.bar.setAttribute('aria-label', say('draftMaking'))
    this.words.textContent = say(scene === null ? 'draftMaking' : 'draftMakingScene', { n: (scene ?? 0) + 1 })
    this.element.replaceChildren(make('div', { class: 'player-wait' }, this.words, this.bar, button(say('cancel'), () => this.stop(), 'line')))
    this.#show(true)
    try {
      const url = await api.draft(this.project.name, { text: this.project.text, scene, mark: this.mark }, asking.signal)
      if (asking.signal.aborted) return URL.revokeObjectURL(url)
      this.url = url
      this.#watch()
    } catch (error) {
      if (!asking.signal.aborted) this.#failed(error instanceof ApiError && error.code === 'project' ? say('previewWrong') : told(error))
    } finally {
      if (this.asking === asking) this.asking = undefined
      this.dispatchEvent(new Event('change'))
    }
  }

  /** Give the place back to the still. */
  stop() {
    this.asking?.abort()
    this.asking = undefined
    if (this.url) URL.revokeObjectURL(this.url)
    this.url = ''
    this.#show(false)
  }

  close() {
    this.stop()
    this.events.removeEventListener('drafts', this.following)
  }

  #watch() {
    const video = make('video', { controls: true, playsinline: true, autoplay: true, src: this.url, 'aria-label': say('draftFilm') })
    this.element.replaceChildren(video)
    video.focus()
  }

  /** @param {string} words */
  #failed(words) {
    this.element.replaceChildren(make('div', { class: 'player-wait' }, make('p', { role: 'alert' }, words), button(say('close'), () => this.stop(), 'line')))
  }

  /** @param {[number, number]|undefined} far */
  #progress(far) {
    if (!this.busy || !far) return
    this.bar.value = far[0] / Math.max(1, far[1])
    this.words.textContent = say('draftShare', { n: Math.round(100 * this.bar.value) })
  }

  /** @param {boolean} on */
  #show(on) {
    if (this.element.hidden === on) {
      this.element.hidden = !on
      this.dispatchEvent(new Event('change'))
    }
  }
}
