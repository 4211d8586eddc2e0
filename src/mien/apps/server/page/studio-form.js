/** The form of a project: what holds for the whole film. Its scenes are in studio-scenes.js. */

import { make } from './dom.js'
import { backgroundFields } from './studio-background.js'
import { endings } from './studio-endings.js'
import { asset, choice, dial, line, named, section, segments, toggle } from './studio-fields.js'
import { SPECS, fields, more, putter, trimming } from './studio-more.js'
import { People } from './studio-people.js'
import { problemWords } from './studio-problems.js'
import { SceneList } from './studio-scenes.js'
import { canvasSize, even, expand, number, setIn, valueAt } from './studio-values.js'
import { say } from './words.js'

const SHAPES = [['9:16', 9 / 16], ['16:9', 16 / 9], ['1:1', 1], ['4:5', 4 / 5]]
const SIDES = [720, 1080, 1440, 2160]
const RATES = ['24', '25', '30', '50', '60']
const LANGUAGES = ['zh', 'en', 'ja', 'ko', 'de', 'fr', 'es']
const CORNERS = ['top-left', 'top-right', 'bottom-left', 'bottom-right']
const FILES = ['srt', 'vtt', 'ass']

/** Events: "scene" {number} when another one is looked at, "upload" {kind}. */
export class Form extends EventTarget {
  /** @param {import('./studio-project.js').Project} project @param {any} choices what the server knows */
  constructor(project, choices) {
    super()
    this.project = project
    this.choices = choices
    /** @type {import('./studio-api.js').Asset[]} */
    this.assets = []
    /** @type {string[]} */
    this.voices = []
    this.scenes = new SceneList(this)
    this.people = new People(this)
    this.element = make('div', { class: 'form' })
    project.addEventListener('values', (given) => {
      const { structure } = /** @type {CustomEvent} */ (given).detail ?? {}
      if (structure || (this.early && !project.pending)) this.render()
      else this.scenes.name()
    })
    project.addEventListener('problems', () => this.problems())
  }

  get values() {
    return this.project.values
  }

  render() {
    this.early = this.project.pending > 0 // changes are under way that are not in the values yet
    const { activeElement } = document
    const inside = activeElement instanceof HTMLElement && this.element.contains(activeElement) ? activeElement : null
    const key = inside?.dataset.key
    this.element.classList.toggle('unreadable', !this.project.readable)
    this.element.replaceChildren(
      ...(this.project.readable ? [] : [make('p', { class: 'note' }, say('formUnreadable'))]),
      this.#film(),
      this.scenes.render(),
      this.people.render(),
      this.#captions(),
      section(say('formBackground'), ...backgroundFields(this, this.values, 'background', '')),
      this.#music(),
      this.#logo(),
      endings(this),
    )
    this.problems()
    if (!key) return
    const again = /** @type {HTMLElement|null} */ (this.element.querySelector(`[data-key="${CSS.escape(key)}"]`))
    again?.focus()
    if (isText(again) && isText(inside)) {
      if (inside.dataset.pending) again.value = inside.value // what is being typed is not in the project yet
      again.setSelectionRange(inside.selectionStart, inside.selectionEnd)
    }
  }

  /**
   * Give a field of a group a value: in the values as they are then, not as they were when the form was drawn.
   * @param {string} path of the group @param {string} name what group it is @param {string} key @param {any} value undefined =
   * take it away; a function makes it of the group as it is @param {boolean} [structure]
   */
  put(path, name, key, value, structure = false) {
    this.project.edit((values) => {
      const now = valueAt(values, path)
      return setIn(now, path, name, key, typeof value === 'function' ? value(expand(name, now)) : value)
    }, structure)
  }

  /** @param {string} field @param {any} value undefined = take it away; a function makes it of what it is now @param {boolean} [structure] */
  set(field, value, structure = false) {
    this.project.edit((values) => {
      const now = valueAt(values, field)
      const wanted = typeof value === 'function' ? value(now) : value
      if (wanted === undefined) return now === undefined ? [] : [{ op: 'remove', field }]
      return [{ op: 'set', field, value: wanted }]
    }, structure)
  }

  /** Put something behind the last of a list, which may not be there yet. @param {string} field of the list @param {any} value */
  append(field, value) {
    this.project.edit((values) => {
      const now = valueAt(values, field)
      return [Array.isArray(now) && now.length ? { op: 'insert', field: `${field}[${now.length}]`, value } : { op: 'set', field, value: [value] }]
    }, true)
  }

  /** Take one out of a list; the last one takes the list along. @param {string} field of the list @param {number} number */
  drop(field, number) {
    this.project.edit((values) => [{ op: 'remove', field: (valueAt(values, field) ?? []).length > 1 ? `${field}[${number}]` : field }], true)
  }

  /** @param {string} kind */
  upload(kind) {
    this.dispatchEvent(new CustomEvent('upload', { detail: { kind } }))
  }

  /** Show what is wrong beside its field; the nearest around it where that is not in the form. */
  problems() {
    for (const old of this.element.querySelectorAll('.wrong')) old.remove()
    for (const old of this.element.querySelectorAll('[aria-invalid]')) old.removeAttribute('aria-invalid')
    for (const problem of this.project.problems) {
      const box = this.#place(problem.field)
      if (!box) continue
      if (box.matches('label, .field')) box.querySelector('input, select, textarea')?.setAttribute('aria-invalid', 'true')
      if (!box.querySelector(':scope > .wrong')) box.append(make('span', { class: 'wrong', role: 'alert' }, problemWords(problem.message)))
      box.closest('.scene-card')?.classList.add('faulty')
      const folded = /** @type {HTMLDetailsElement|null} */ (box.closest('details.more'))
      if (folded) folded.open = true
    }
  }

  /** The box of a field, or of what is around it. @param {string} path @returns {HTMLElement|null} */
  #place(path) {
    let rest = path
    while (rest) {
      const found = /** @type {HTMLElement|null} */ (this.element.querySelector(`[data-field="${CSS.escape(rest)}"]`))
      if (found) return found
      rest = rest.replace(/(\.[^.[\]]*|\[\d+\]|^[^.[\]]+)$/, '')
    }
    return null
  }

  /** Go to a field. @param {string} path */
  reveal(path) {
    const scene = /^scenes\[(\d+)\]/.exec(path)
    if (scene) this.scenes.select(Number(scene[1]))
    const box = this.#place(path)
    box?.scrollIntoView({ block: 'center', behavior: 'smooth' })
    const control = /** @type {HTMLElement|null|undefined} */ (box?.querySelector('input, select, textarea'))
    control?.focus({ preventScroll: true })
  }

  #film() {
    const { values } = this
    const canvas = expand('canvas', values.canvas)
    const [width, height] = canvasSize(values.canvas)
    const shape = SHAPES.find(([, ratio]) => Math.abs(width / height - Number(ratio)) < 0.02)?.[0] ?? `${width}×${height}`
    const side = Math.min(width, height)
    const resize = (/** @type {number} */ ratio, /** @type {number} */ least) => {
      const [w, h] = ratio < 1 ? [least, even(least / ratio)] : [even(least * ratio), least]
      this.set('canvas', (/** @type {any} */ now) => ({ size: `${w}x${h}`, ...(expand('canvas', now).fps ? { fps: expand('canvas', now).fps } : {}) }))
    }
    const shapes = /** @type {[string, string][]} */ (SHAPES.map(([name]) => [name, name]))
    const sides = /** @type {[string, string][]} */ (SIDES.map((one) => [String(one), one === 2160 ? '4K' : `${one}p`]))
    const languages = /** @type {[string, string][]} */ ([['auto', say('languageByLetters')], ...LANGUAGES.map((code) => [code, languageName(code)])])
    return section(
      say('formFilm'),
      line({ label: say('formTitle'), field: 'title', value: values.title }, (text) => this.set('title', text)),
      segments({ label: say('formShape'), field: 'canvas', value: String(shape), options: shapes }, (value) => {
        resize(Number(SHAPES.find(([name]) => name === value)?.[1]), side)
        this.dispatchEvent(new Event('shape'))
      }),
      make('div', { class: 'pair' },
        choice({ label: say('formSize'), field: 'canvas.size', value: String(side), options: sides }, (value) => resize(width / height, Number(value))),
        choice({ label: say('formRate'), field: 'canvas.fps', value: String(canvas.fps ?? 25), options: RATES.map((rate) => [rate, say('perSecond', { n: rate })]) },
          (value) => this.put('canvas', 'canvas', 'fps', Number(value))),
      ),
      make('div', { class: 'pair' },
        choice({ label: say('formLanguage'), field: 'language', value: String(values.language ?? 'auto'), options: languages }, (value) => this.set('language', value)),
        choice({ label: say('formTransition'), field: 'transition', value: String(expand('transition', values.transition).kind ?? 'cut'), options: named(this.choices.transitions, 'change_') },
          (value) => this.put('transition', 'transition', 'kind', value)),
      ),
      more('film', [
        ...fields(this, values, '', SPECS.film, putter(this, '')),
        make('div', { class: 'pair' },
          ...fields(this, expand('transition', values.transition), 'transition', SPECS.transition, (key, value) => this.put('transition', 'transition', key, value)),
          ...fields(this, expand('watermark', values.watermark), 'watermark', SPECS.watermark, (key, value) => this.set('watermark', value === undefined ? undefined : { payload: value }))),
      ]),
    )
  }

  #captions() {
    const { values } = this
    const on = values.captions !== undefined && values.captions !== null && values.captions !== false && values.captions !== 'none'
    const now = expand('captions', values.captions)
    const files = Array.isArray(now.files) ? now.files.map(String) : ['srt']
    const put = (/** @type {string} */ key, /** @type {any} */ value) => this.put('captions', 'captions', key, value)
    const styles = named(this.choices.caption_styles, 'caption_')
    const places = named(this.choices.platforms, 'platform_')
    return section(
      say('formCaptions'),
      toggle({ label: say('captionsOn'), field: 'captions', value: on }, (wanted) => this.set('captions', wanted ? { style: 'plain' } : undefined, true)),
      ...(on ? [
        make('div', { class: 'pair' },
          choice({ label: say('captionsStyle'), field: 'captions.style', value: String(now.style ?? 'plain'), options: styles }, (value) => put('style', value)),
          choice({ label: say('captionsPlatform'), field: 'captions.platform', value: String(now.platform ?? 'none'), options: places }, (value) => put('platform', value)),
        ),
        make('div', { class: 'checks', role: 'group', 'aria-label': say('captionsFiles') }, make('span', { class: 'small' }, say('captionsFiles')), ...FILES.map((kind) => {
          const box = make('input', { type: 'checkbox', 'data-key': `captions.files=${kind}` })
          box.checked = files.includes(kind)
          box.addEventListener('change', () => put('files', (/** @type {any} */ before) => FILES.filter((one) => (one === kind ? box.checked : (before.files ?? ['srt']).includes(one)))))
          return make('label', {}, box, kind.toUpperCase())
        })),
        more('captions', [make('div', { class: 'pair' }, ...fields(this, now, 'captions', SPECS.captions, put))]),
      ] : []),
    )
  }

  #music() {
    const { values } = this
    const now = expand('music', values.music)
    const put = (/** @type {string} */ key, /** @type {any} */ value) => this.put('music', 'music', key, value)
    return section(
      say('formMusic'),
      asset({ label: say('musicFile'), field: 'music.file', value: now.file, kind: 'sound', assets: this.assets, none: say('musicNone') },
        (file) => (file ? this.put('music', 'music', 'file', file, true) : this.set('music', undefined, true)), () => this.upload('sound')),
      ...(now.file ? [
        dial({ label: say('musicVolume'), field: 'music.volume', value: number(now.volume, -8), min: -40, max: 0, step: 1, unit: ' dB' }, (value) => put('volume', `${value}dB`)),
        dial({ label: say('musicDuck'), field: 'music.duck', value: number(now.duck, -12), min: -30, max: 0, step: 1, unit: ' dB' }, (value) => put('duck', `${value}dB`)),
        more('music', [make('div', { class: 'pair' }, ...fields(this, now, 'music', SPECS.music, put), ...trimming(this, now, 'music.trim'))]),
      ] : []),
    )
  }

  #logo() {
    const { values } = this
    const now = expand('logo', values.logo)
    const corners = /** @type {[string, string][]} */ (CORNERS.map((one) => [one, say(`corner_${one.replace('-', '_')}`)]))
    return section(
      say('formLogo'),
      make('div', { class: 'pair' },
        asset({ label: say('logoPicture'), field: 'logo.picture', value: now.picture, kind: 'picture', assets: this.assets, none: say('logoNone') },
          (file) => (file ? this.put('logo', 'logo', 'picture', file, true) : this.set('logo', undefined, true)), () => this.upload('picture')),
        ...(now.picture ? [choice({ label: say('logoCorner'), field: 'logo.corner', value: String(now.corner ?? 'top-right'), options: corners }, (value) => this.put('logo', 'logo', 'corner', value))] : []),
      ),
      ...(now.picture ? [more('logo', [make('div', { class: 'pair' }, ...fields(this, now, 'logo', SPECS.logo, (key, value) => this.put('logo', 'logo', key, value)))])] : []),
    )
  }
}

/** @param {Element|null} field @returns {field is HTMLInputElement|HTMLTextAreaElement} */
function isText(field) {
  return field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && field.type === 'text')
}

/** @param {string} code */
function languageName(code) {
  return new Intl.DisplayNames([document.documentElement.lang], { type: 'language' }).of(code) ?? code
}
