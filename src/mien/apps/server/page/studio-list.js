/** All projects, and making a new one. */

import { make } from './dom.js'
import { api, told } from './studio-api.js'
import { ask } from './studio-ask.js'
import { bytes } from './studio-assets.js'
import { button, choice, line, tool } from './studio-fields.js'
import { when } from './studio-queue.js'
import { canvasSize } from './studio-values.js'
import { currentLanguage, say } from './words.js'

const UPRIGHT = ['short', 'dialogue']

/** Events: "open" {name}. */
export class ProjectList extends EventTarget {
  /** @param {any} offer */
  constructor(offer) {
    super()
    this.offer = offer
    /** @type {any[]} */
    this.projects = []
    /** @type {Map<string, string>} */
    this.pictures = new Map()
    this.grid = make('ul', { class: 'projects' })
    this.words = make('p', { class: 'about', role: 'status' })
    this.element = make('div', { class: 'list' })
    this.render()
  }

  render() {
    const { used, whole } = this.offer.limits
    this.element.replaceChildren(
      make('header', { class: 'list-head' }, make('h2', {}, say('projects')), make('span', { class: 'about figure' }, say('used', { used: bytes(used), all: bytes(whole) })), button(say('projectNew'), () => this.#new(), 'solid', 'plus')),
      this.words, this.grid,
    )
    this.#show()
  }

  async load() {
    try {
      const [projects, offer] = await Promise.all([api.projects(), api.offer()])
      this.projects = projects
      this.empty = !projects.length
      this.offer = offer
      this.words.textContent = projects.length ? '' : say('projectsNone')
      this.render()
    } catch (error) {
      this.words.textContent = told(error)
    }
  }

  #show() {
    this.grid.replaceChildren(...this.projects.map((one) => this.#card(one)), ...(this.empty ? this.offer.choices.templates.map((/** @type {string} */ one) => this.#sample(one)) : []))
  }

  /** A template, where there is nothing else to see. @param {string} name */
  #sample(name) {
    const shape = make('span', { class: 'glyph' }, make('i', {}), ...(name === 'dialogue' ? [make('i', {})] : []))
    shape.style.setProperty('--shape', String(UPRIGHT.includes(name) ? 9 / 16 : 16 / 9))
    const open = make('button', { type: 'button', class: 'card-link' }, shape, make('b', {}, say(`template_${name}`)), make('span', { class: 'about' }, say(`template_${name}_about`)))
    open.addEventListener('click', () => this.#new('', name))
    return make('li', { class: 'project' }, open)
  }

  /** @param {any} one */
  #card(one) {
    const [width, height] = canvasSize(/x/.test(one.canvas) || one.canvas === '' ? one.canvas.split(' ')[0] || undefined : { size: one.canvas.split(' ').find((/** @type {string} */ part) => !part.includes(':')), aspect: one.canvas.split(' ').find((/** @type {string} */ part) => part.includes(':')) })
    const shape = make('span', { class: 'glyph' }, make('i', {}))
    shape.style.setProperty('--shape', String(width / height || 1))
    if (one.look) this.#picture(one, shape)
    const facts = one.problem ? say('projectBroken') : one.scenes === 1 ? say('sceneOne') : say('sceneCount', { n: one.scenes })
    const open = make('a', { class: 'card-link', href: `#studio/${encodeURIComponent(one.name)}` }, shape,
      make('b', {}, one.title || one.name), make('span', { class: 'about' }, [one.title ? one.name : '', facts, when(one.changed)].filter(Boolean).join(' · ')))
    return make('li', { class: 'project' }, open, make('div', { class: 'project-tools' },
      tool('copy', say('projectCopy', { name: one.name }), () => this.#new(one.name)),
      tool('bin', say('projectRemove', { name: one.name }), () => this.#remove(one.name))))
  }

  /** @param {any} one @param {HTMLElement} place */
  async #picture(one, place) {
    const key = `${one.name} ${one.look}`
    if (!this.pictures.has(key)) this.pictures.set(key, await api.picture(one.name).catch(() => ''))
    const url = this.pictures.get(key)
    if (url) place.replaceChildren(make('img', { src: url, alt: '' }))
  }

  /** @param {string} name */
  #remove(name) {
    const dialog = ask(say('projectRemoveSure', { name }), say('removeNow'), async () => {
      await api.remove(name)
      dialog.close()
      this.load()
    })
  }

  /** @param {string} [copy] of another project @param {string} [template] */
  #new(copy = '', template = 'short') {
    const wish = { name: copy ? `${copy}-2` : '', template, language: currentLanguage(), copy_of: copy }
    const name = line({ label: say('projectName'), field: 'new.name', value: wish.name, hint: say('projectNameHint') }, () => {})
    const input = /** @type {HTMLInputElement} */ (name.querySelector('input'))
    const kinds = make('div', { class: 'templates', role: 'radiogroup', 'aria-label': say('template') }, ...this.offer.choices.templates.map((/** @type {string} */ one) => {
      const radio = make('input', { type: 'radio', name: 'template', value: one })
      radio.checked = one === wish.template
      radio.addEventListener('change', () => (wish.template = one))
      return make('label', { class: 'choice' }, radio, make('span', {}, make('b', {}, say(`template_${one}`)), make('span', { class: 'about' }, say(`template_${one}_about`))))
    }))
    const language = choice({ label: say('projectLanguage'), field: 'new.language', value: wish.language, options: [['zh', '中文'], ['en', 'English']] }, (value) => (wish.language = value))
    const dialog = ask(copy ? say('projectCopy', { name: copy }) : say('projectNew'), say('create'), async () => {
      const made = await api.create({ ...wish, name: input.value.trim() })
      dialog.close()
      this.dispatchEvent(new CustomEvent('open', { detail: { name: made.name } }))
    }, name, ...(copy ? [] : [kinds, language]))
    input.required = true
    input.pattern = '[\\p{L}\\p{N}_]([\\p{L}\\p{N}_ .\\-]{0,62}[\\p{L}\\p{N}_\\-])?'
    input.focus()
  }
}
