/** A moment of the scene that is worked on, as it will be in the film; and the sheet of all scenes. */

import { ApiError } from './api.js'
import { make } from './dom.js'
import { api, told } from './studio-api.js'
import { button, tool } from './studio-fields.js'
import { Player } from './studio-player.js'
import { canvasSize } from './studio-values.js'
import { say } from './words.js'

const WAIT_MS = 450
const BUSY_MS = 1500

export class Preview {
  /** @param {import('./studio-project.js').Project} project @param {(number: number) => void} choose another scene is wanted @param {EventTarget} events of the studio */
  constructor(project, choose, events) {
    this.project = project
    this.choose = choose
    this.scene = 0
    this.at = 0.5
    this.key = ''
    this.seconds = 0
    this.image = make('img', { alt: '', draggable: 'false' })
    this.note = make('p', { class: 'still-note' })
    this.player = new Player(project, events)
    this.frame = make('div', { class: 'still' }, this.image, make('span', { class: 'shimmer', 'aria-hidden': 'true' }), this.note, this.player.element)
    this.player.addEventListener('change', () => this.#tools())
    this.tools = make('div', { class: 'preview-tools' })
    this.range = make('input', { type: 'range', min: '0', max: '1000', value: '500' })
    this.time = make('output', { class: 'figure' })
    this.strip = make('div', { class: 'strip', role: 'group' })
    this.element = make('div', { class: 'preview' })
    this.range.addEventListener('input', () => {
      this.at = this.range.valueAsNumber / 1000
      this.player.stop()
      this.#times()
      this.ask(120)
    })
    project.addEventListener('settled', () => {
      this.#shape()
      this.ask()
    })
    project.addEventListener('values', () => this.#strip())
    project.addEventListener('text', () => this.player.busy || this.player.stop()) // the film is of another text
    this.render()
    this.#before()
    this.ask(0)
  }

  render() {
    this.range.setAttribute('aria-label', say('previewMoment'))
    this.strip.setAttribute('aria-label', say('formScenes'))
    const slide = make('label', { class: 'scrub' }, this.range, this.time)
    this.element.replaceChildren(this.frame, slide, this.strip, this.tools)
    this.#tools()
    this.#shape()
    this.#strip()
    this.#times()
  }

  /** Follow another scene. @param {number} number */
  follow(number) {
    if (number === this.scene) return
    this.scene = number
    if (!this.player.busy) this.player.stop()
    this.#strip()
    this.ask(60)
  }

  /** A picture of how it is now, soon. @param {number} [ms] */
  ask(ms = WAIT_MS) {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.#draw(), ms)
  }

  close() {
    clearTimeout(this.timer)
    this.player.close()
    this.drawing?.abort()
    if (this.image.src) URL.revokeObjectURL(this.image.src)
  }

  /** How it looked last, until it is drawn. */
  async #before() {
    const url = this.project.look ? await api.picture(this.project.name).catch(() => '') : ''
    if (url && !this.image.src && this.scene === 0) this.image.src = url
    else if (!this.image.src) this.#say(say('previewFirst'))
  }

  async #draw() {
    const { project, scene, at } = this
    if (!project.readable) return this.#say(say('formUnreadable'))
    const key = JSON.stringify([project.text, scene, at])
    if (key === this.key) return
    this.drawing?.abort()
    const drawing = (this.drawing = new AbortController())
    this.element.classList.add('drawing')
    try {
      const made = await api.still(project.name, { text: project.text, scene, at, side: 720 }, drawing.signal)
      if (this.image.src) URL.revokeObjectURL(this.image.src)
      this.image.src = made.url
      this.image.alt = say('previewOf', { n: scene + 1 })
      this.key = key
      this.seconds = made.seconds
      this.#say('')
      this.#times()
    } catch (error) {
      if (drawing.signal.aborted) return
      if (error instanceof ApiError && error.code === 'busy.studio') this.ask(BUSY_MS)
      else this.#say(error instanceof ApiError && error.code === 'project' ? say('previewWrong') : told(error))
    } finally {
      if (this.drawing === drawing) this.element.classList.remove('drawing')
    }
  }

  /** @param {string} text */
  #say(text) {
    this.note.textContent = text
    this.frame.classList.toggle('failed', text !== '')
  }

  #tools() {
    const busy = this.player.busy
    const back = !this.player.element.hidden && !busy
    const parts = [
      button(say('draftScene'), () => this.player.play(this.scene), 'line', 'play'),
      button(say('draftAll'), () => this.player.play(null), 'line', 'film'),
      button(say('sheet'), () => this.#sheet(), 'line', 'sheet'),
    ]
    for (const [at, key] of ['draftSceneAbout', 'draftAllAbout', 'sheetTitle'].entries()) {
      parts[at].title = say(key)
      parts[at].setAttribute('aria-label', say(key))
    }
    for (const one of parts.slice(0, 2)) one.disabled = busy
    this.tools.replaceChildren(...parts)
    this.frame.classList.toggle('playing', !this.player.element.hidden)
    if (back) this.frame.append((this.shut = tool('close', say('draftBack'), () => this.player.stop(), 'quiet player-close')))
    else this.shut?.remove()
  }

  #times() {
    this.time.textContent = this.seconds ? say('secondsOf', { at: (this.at * this.seconds).toFixed(1), all: this.seconds.toFixed(1) }) : ''
    this.range.style.setProperty('--filled', `${this.at * 100}%`)
  }

  #shape() {
    const [width, height] = canvasSize(this.project.values.canvas)
    this.frame.style.setProperty('--shape', String(width / height))
  }

  #strip() {
    const scenes = Array.isArray(this.project.values.scenes) ? this.project.values.scenes : []
    this.strip.replaceChildren(...scenes.map((_, number) => {
      const chip = make('button', { type: 'button', class: 'dot-button figure', 'aria-label': say('sceneNumber', { n: number + 1 }) }, String(number + 1))
      if (number === this.scene) chip.setAttribute('aria-current', 'true')
      chip.addEventListener('click', () => this.choose(number))
      return chip
    }))
  }

  async #sheet() {
    const image = make('img', { alt: say('sheetTitle') })
    const words = make('p', { class: 'about', role: 'status' }, say('sheetDrawing'))
    const dialog = make('dialog', { class: 'sheet-dialog', 'aria-label': say('sheetTitle') })
    dialog.append(make('header', {}, make('h2', {}, say('sheetTitle')), button(say('close'), () => dialog.close(), 'line')), words)
    dialog.addEventListener('close', () => {
      URL.revokeObjectURL(image.src)
      dialog.remove()
    })
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close())
    document.body.append(dialog)
    dialog.showModal()
    try {
      image.src = (await api.sheet(this.project.name, this.project.text)).url
      words.replaceWith(image)
    } catch (error) {
      words.textContent = told(error)
    }
  }
}
