/** The choice of what is behind the avatar. */

import { make, recall, remember } from './dom.js'
import { say } from './words.js'

const PLAIN = [['', 'backgroundSource'], ['blur', 'backgroundBlur'], ['transparent', 'backgroundTransparent'],
  ['#f5f3ef', 'backgroundLight'], ['#161817', 'backgroundDark'], ['#2d3a5c,#11141f', 'backgroundDusk'],
  ['#bcd7ee,#f6efe3', 'backgroundSky'], ['#00b140', 'backgroundGreen']]
const COLOUR = 'colour'
const OWN = 'own'

/** Events: "background" {background, file?}. */
export class BackdropChoice extends EventTarget {
  constructor() {
    super()
    /** @type {string[]} */
    this.pictures = [] // that the server has
    this.own = '' // the name of the visitor's own file, which lasts as long as the session
  }

  /** As a session is asked for. */
  get background() {
    return recall('background', '')
  }

  /** @returns {HTMLElement[]} */
  content() {
    const now = this.background
    const known = PLAIN.some(([id]) => id === now) || this.pictures.includes(now.replace('picture:', ''))
    const select = make('select', { 'data-key': 'background' })
    for (const [id, label] of PLAIN) select.append(make('option', { value: id }, say(label)))
    for (const name of this.pictures) select.append(make('option', { value: `picture:${name}` }, name))
    select.append(make('option', { value: COLOUR }, say('backgroundColour')))
    select.append(make('option', { value: OWN }, this.own ? `${say('backgroundOwnNow')}: ${this.own}` : say('backgroundOwn')))
    select.value = this.own ? OWN : known ? now : COLOUR
    const file = make('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp,image/avif', class: 'file', tabindex: '-1', 'aria-hidden': 'true' })
    file.addEventListener('change', () => file.files?.[0] && this.#chosen(this.background, file.files[0]))
    const colour = make('input', { type: 'color', 'data-key': 'colour' })
    colour.value = /^#[0-9a-f]{6}$/i.test(now) ? now : '#3f6f64'
    colour.addEventListener('change', () => this.#chosen(colour.value))
    select.addEventListener('change', () => {
      if (select.value === OWN) file.click()
      else this.#chosen(select.value === COLOUR ? colour.value : select.value)
    })
    return [
      make('label', { class: 'row' }, make('span', { 'data-say': 'background' }), select), file,
      ...(select.value === COLOUR ? [make('label', { class: 'row' }, make('span', { 'data-say': 'colour' }), colour)] : []),
      ...(this.own ? [make('p', { class: 'about', 'data-say': 'backgroundAbout' })] : []),
    ]
  }

  /** @param {string} background @param {File} [file] */
  #chosen(background, file) {
    const before = this.background
    this.own = file ? file.name : ''
    remember('background', background)
    this.dispatchEvent(new CustomEvent('background', { detail: { background, file, before } }))
  }
}
