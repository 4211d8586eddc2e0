/** The films: those that wait, run, wait for somebody's decision, and those that can be fetched. */

import { saved } from './api.js'
import { icon, make, recall, remember } from './dom.js'
import { api, told } from './studio-api.js'
import { bytes } from './studio-assets.js'
import { button, field, tool } from './studio-fields.js'
import { ask } from './studio-ask.js'
import { explained, say } from './words.js'

const OPEN = ['queued', 'running', 'failed-retrying']
const AGAIN = ['quarantined', 'cancelled', 'failed-retrying']

/** Events: "fault" {words}. */
export class Queue extends EventTarget {
  /** @param {import('./studio-events.js').StudioEvents} events */
  constructor(events) {
    super()
    events.addEventListener('films', (given) => {
      this.films = /** @type {CustomEvent} */ (given).detail.films
      this.#show()
    })
    /** @type {any[]} */
    this.films = []
    events.addEventListener('progress', (given) => {
      this.running = /** @type {CustomEvent} */ (given).detail.films
      this.#show()
    })
    /** @type {Record<string, [number, number]>} */
    this.running = {}
    this.list = make('ul', { class: 'films' })
    this.element = make('section', { class: 'queue', 'aria-labelledby': 'queue-title' })
    /** @type {Map<string, string>} */
    this.watched = new Map()
    this.shown = ''
    this.render()
  }

  render() {
    this.shown = ''
    this.element.replaceChildren(make('h2', { id: 'queue-title' }, say('films')), this.list)
    this.#show()
  }

  /** Look now, without waiting to be told. */
  async look() {
    const films = await api.films().catch(() => null)
    if (films) this.films = films
    this.#show()
  }

  #show() {
    for (const film of this.films) [film.done, film.total] = this.running[film.id] ?? [film.done, film.total]
    const key = JSON.stringify(this.films)
    if (key === this.shown || this.list.contains(document.activeElement) && document.activeElement instanceof HTMLInputElement) return
    const focused = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset.key : ''
    this.shown = key
    const queued = this.films.filter((one) => one.state === 'queued').map((one) => one.id).sort()
    this.list.replaceChildren(...(this.films.length ? this.films.map((one) => this.#film(one, queued)) : [make('li', { class: 'nothing' }, say('filmsNone'))]))
    if (focused) /** @type {HTMLElement|null} */ (this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus()
  }

  /** @param {any} film @param {string[]} queued */
  #film(film, queued) {
    const share = film.total ? Math.round((100 * film.done) / film.total) : 0
    const place = queued.indexOf(film.id) + 1
    const facts = film.state === 'done' ? [say('filmLong', { n: (film.report.duration ?? 0).toFixed(1) }), `${film.report.width}×${film.report.height}`, bytes(film.files.find((/** @type {any} */ one) => one.role === 'film')?.size ?? 0)] : []
    const words = film.state === 'running' && film.total ? say('filmShare', { n: share }) : film.state === 'queued' ? say('filmPlace', { n: place }) : say(`film_${film.state.replaceAll('-', '_')}`)
    const row = make('li', { class: 'film', 'data-state': film.state },
      make('div', { class: 'film-head' },
        make('span', { class: 'film-name' }, make('b', {}, film.title || film.project), make('span', { class: 'about' }, [film.project, when(film.made), ...facts].join(' · '))),
        make('span', { class: 'state' }, words),
      ))
    if (film.state === 'running') {
      const bar = make('progress', film.total ? { max: '100', value: String(share) } : {})
      bar.setAttribute('aria-label', words)
      row.append(bar)
    }
    if (film.fault && film.state !== 'cancelled' && film.state !== 'waiting-for-review') row.append(make('p', { class: 'fault' }, explained(film.fault)))
    if (film.state === 'waiting-for-review') row.append(wordsOf(film))
    row.append(this.#actions(film))
    return row
  }

  /** @param {any} film */
  #actions(film) {
    const parts = film.files.map((/** @type {any} */ file) => this.#fetch(film, file))
    if (film.files.some((/** @type {any} */ one) => one.role === 'film')) parts.unshift(this.#watch(film))
    if (film.state === 'waiting-for-review') parts.push(this.#decision(film))
    if (AGAIN.includes(film.state)) parts.push(this.#do(say('filmAgain'), () => api.retry(film.id), `${film.id}:again`))
    const open = OPEN.includes(film.state) || film.state === 'waiting-for-review'
    const away = tool(open ? 'close' : 'bin', open ? say('filmCancel') : say('filmRemove'), () => this.#then(api.removeFilm(film.id)))
    away.dataset.key = `${film.id}:away`
    return make('div', { class: 'film-tools' }, ...parts, away)
  }

  /** @param {any} film @param {any} file */
  #fetch(film, file) {
    const made = make('a', { class: file.role === 'film' && film.state === 'done' ? 'solid link' : 'line link', href: file.url.slice(1), download: file.name }, ...(file.role === 'film' ? [icon('save')] : []), make('span', {}, file.role === 'film' ? say('download') : file.role.toUpperCase()))
    made.addEventListener('click', async (event) => {
      if (made.dataset.ready) return
      event.preventDefault()
      made.href = await saved(file.url)
      made.dataset.ready = 'yes'
      made.click()
    })
    return made
  }

  /** @param {any} film */
  #watch(film) {
    const shown = button(say('watch'), async () => {
      const video = make('video', { controls: true, playsinline: true, autoplay: true })
      const address = this.watched.get(film.id) ?? (await saved(film.files.find((/** @type {any} */ one) => one.role === 'film').url))
      this.watched.set(film.id, address)
      video.src = address
      const dialog = make('dialog', { class: 'sheet-dialog watch', 'aria-label': film.title || film.project }, make('header', {}, make('h2', {}, film.title || film.project), button(say('close'), () => dialog.close(), 'line')), video)
      dialog.addEventListener('close', () => dialog.remove())
      document.body.append(dialog)
      dialog.showModal()
    }, 'line', 'film')
    shown.dataset.key = `${film.id}:watch`
    return shown
  }

  /** @param {any} film */
  #decision(film) {
    const who = make('input', { type: 'text', maxlength: '100', autocomplete: 'name', 'aria-label': say('reviewWho'), placeholder: say('reviewWho') })
    who.value = recall('reviewer', '')
    const named = () => {
      if (!who.value.trim()) who.focus()
      else remember('reviewer', who.value.trim())
      return who.value.trim()
    }
    const approve = button(say('approve'), () => {
      if (!named()) return
      who.blur()
      this.#then(api.decide(film.id, { approved: true, who: named() }))
    }, 'solid')
    return make('div', { class: 'decision' }, who, approve, button(say('reject'), () => named() && this.#reject(film, named()), 'line'))
  }

  /** Why, for the audit log and for whoever made the film. @param {any} film @param {string} who */
  #reject(film, who) {
    const why = make('textarea', { rows: '3', maxlength: '1000' })
    const dialog = ask(say('reject'), say('reject'), async () => {
      await api.decide(film.id, { approved: false, who, why: why.value.trim() })
      dialog.close()
      this.shown = ''
      this.look()
    }, field({ label: say('reviewWhy') }, why, 'wide'))
  }

  /** @param {string} label @param {() => Promise<any>} work @param {string} key */
  #do(label, work, key) {
    const made = button(label, () => this.#then(work()))
    made.dataset.key = key
    return made
  }

  /** @param {Promise<any>} work */
  async #then(work) {
    await work.catch((error) => this.dispatchEvent(new CustomEvent('fault', { detail: told(error) })))
    this.shown = ''
    await this.look()
  }
}

/** What is said in a film, for who decides. @param {any} film */
function wordsOf(film) {
  const text = make('p', { class: 'said-in' })
  const box = make('details', { class: 'words-of' }, make('summary', {}, say(film.files.length ? 'reviewWords' : 'reviewHeld')), text)
  box.addEventListener('toggle', async () => {
    if (box.open) text.textContent = await api.log(film.id).then((found) => found.words, told)
  })
  return box
}

/** @param {string} iso */
export function when(iso) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))
}
