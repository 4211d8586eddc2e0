/** The parts that the studio's form is made of. Each says its field, so that what is wrong is shown beside it. */

import { icon, make } from './dom.js'
import { say } from './words.js'

const TYPING_MS = 400

/** @typedef {{label: string, field?: string, about?: string}} Named */

/** A label over a control. @param {Named} named @param {HTMLElement} control @param {string} [kind] */
export function field({ label, field: path = '', about }, control, kind = '') {
  if (path) control.dataset.key = path
  const box = make('label', { class: `field ${kind}` }, make('span', { class: 'small' }, label), control)
  if (about) box.append(make('span', { class: 'about' }, about))
  return mark(box, path)
}

/** Where what is wrong with a field is shown. @template {HTMLElement} T @param {T} box @param {string} path @returns {T} */
export function mark(box, path) {
  if (path) box.dataset.field = path
  return box
}

/** A line of text. @param {Named & {value: any, hint?: string, list?: string[], type?: string}} given @param {(text: string) => void} change */
export function line(given, change) {
  const input = make('input', { type: given.type ?? 'text', autocomplete: 'off', spellcheck: 'false', placeholder: given.hint })
  input.value = String(given.value ?? '')
  typing(input, change)
  if (!given.list) return field(given, input)
  const id = `list-${given.field}`
  const list = make('datalist', { id }, ...given.list.map((one) => make('option', { value: one })))
  input.setAttribute('list', id)
  const box = field(given, input)
  box.append(list)
  return box
}

/** Several lines that grow with what is written. @param {Named & {value: any, hint?: string}} given @param {(text: string) => void} change */
export function words(given, change) {
  const area = make('textarea', { rows: '2', placeholder: given.hint })
  area.value = String(given.value ?? '').replace(/\n$/, '')
  typing(area, change)
  return field(given, area, 'wide')
}

/** Tell what is typed when the hand rests, and when it leaves. @param {HTMLInputElement|HTMLTextAreaElement} input @param {(text: string) => void} change */
function typing(input, change) {
  let timer = 0
  let before = input.value
  const tell = () => {
    clearTimeout(timer)
    delete input.dataset.pending
    if (input.value === before) return
    before = input.value
    change(input.value)
  }
  input.addEventListener('input', () => {
    clearTimeout(timer)
    input.dataset.pending = 'yes'
    timer = setTimeout(tell, TYPING_MS)
  })
  input.addEventListener('change', tell)
  input.addEventListener('blur', tell)
}

/**
 * One of several. A value that is not among them stays, as it is.
 * @param {Named & {value: string, options: [string, string][]}} given @param {(value: string) => void} change
 */
export function choice(given, change) {
  return field(given, chooser(given.value, given.options, change))
}

/** @param {string} value @param {[string, string][]} options @param {(value: string) => void} change */
export function chooser(value, options, change) {
  const known = options.some(([one]) => one === value)
  const all = known || value === '' ? options : [...options, /** @type {[string, string]} */ ([value, value])]
  const select = make('select', {}, ...all.map(([one, text]) => make('option', { value: one }, text)))
  select.value = value
  select.addEventListener('change', () => change(select.value))
  return select
}

/** A few, side by side. @param {Named & {value: string, options: [string, string][]}} given @param {(value: string) => void} change */
export function segments(given, change) {
  const name = `seg-${given.field ?? given.label}`
  const items = given.options.map(([value, text]) => {
    const radio = make('input', { type: 'radio', name, value, 'data-key': `${given.field}=${value}` })
    radio.checked = value === given.value
    radio.addEventListener('change', () => change(value))
    return make('label', { class: 'choice' }, radio, make('span', {}, text))
  })
  const row = make('div', { class: 'segments', role: 'radiogroup', 'aria-label': given.label }, ...items)
  return mark(make('div', { class: 'field wide' }, make('span', { class: 'small', 'aria-hidden': 'true' }, given.label), row), given.field ?? '')
}

/** On or off. @param {Named & {value: boolean}} given @param {(on: boolean) => void} change */
export function toggle(given, change) {
  const box = make('input', { type: 'checkbox', class: 'switch', role: 'switch' })
  box.checked = given.value
  box.addEventListener('change', () => change(box.checked))
  if (given.field) box.dataset.key = given.field
  return mark(make('label', { class: 'row' }, make('span', {}, given.label), box), given.field ?? '')
}

/** A number. @param {Named & {value: number, min: number, max: number, step: number, unit: string}} given @param {(value: number) => void} change */
export function dial(given, change) {
  const input = make('input', { type: 'range', 'aria-label': given.label, min: String(given.min), max: String(given.max), step: String(given.step) })
  const shown = make('output')
  const show = () => {
    shown.textContent = `${input.value}${given.unit}`
    input.style.setProperty('--filled', `${(100 * (input.valueAsNumber - given.min)) / (given.max - given.min)}%`)
  }
  input.value = String(given.value)
  if (given.field) input.dataset.key = given.field
  input.addEventListener('input', show)
  input.addEventListener('change', () => change(input.valueAsNumber))
  show()
  return mark(make('label', { class: 'dial' }, make('span', { class: 'small' }, given.label), shown, input), given.field ?? '')
}

/** A colour. @param {Named & {value: string}} given @param {(value: string) => void} change */
export function colour(given, change) {
  const input = make('input', { type: 'color' })
  input.value = hex(given.value)
  if (given.field) input.dataset.key = given.field
  input.addEventListener('change', () => change(input.value))
  return mark(make('label', { class: 'row' }, make('span', {}, given.label), input), given.field ?? '')
}

/** A colour as browsers' fields have it; names such as teal have one, too. @param {string} value */
function hex(value) {
  const pen = document.createElement('canvas').getContext('2d')
  if (!pen) return '#2f6f62'
  pen.fillStyle = '#2f6f62'
  pen.fillStyle = value
  return /^#[0-9a-f]{6}$/.test(pen.fillStyle) ? pen.fillStyle : '#2f6f62'
}

/** A button with a picture on it. @param {string} name of the icon @param {string} label @param {() => void} press @param {string} [kind] */
export function tool(name, label, press, kind = 'quiet') {
  const button = make('button', { type: 'button', class: kind, 'aria-label': label, title: label }, icon(name))
  button.addEventListener('click', press)
  return button
}

/** A button with words. @param {string} label @param {() => void} press @param {string} [kind] @param {string} [image] */
export function button(label, press, kind = 'line', image = '') {
  const made = make('button', { type: 'button', class: kind }, ...(image ? [icon(image)] : []), make('span', {}, label))
  made.addEventListener('click', press)
  return made
}

/** A part of the form with a heading. @param {string} title @param {...Node} content */
export function section(title, ...content) {
  return make('section', { class: 'part' }, make('h3', {}, title), ...content)
}

/**
 * A file of the project, by kind; "…" opens the drawer of files.
 * @param {Named & {value: any, kind: string, assets: import('./studio-api.js').Asset[], none?: string}} given
 * @param {(file: string) => void} change @param {() => void} upload
 */
export function asset(given, change, upload) {
  const files = given.assets.filter((one) => one.kind === given.kind).map((one) => /** @type {[string, string]} */ ([one.file, one.file]))
  const options = /** @type {[string, string][]} */ ([['', given.none ?? say('assetNone')], ...files, ['\0', say('assetUpload')]])
  const value = typeof given.value === 'string' ? given.value : ''
  const select = chooser(value, options, (file) => {
    if (file !== '\0') return change(file)
    select.value = value
    upload()
  })
  return field(given, select)
}

/** Values with their names in the visitor's language. @param {string[]} values @param {string} prefix @returns {[string, string][]} */
export function named(values, prefix) {
  return values.map((value) => {
    const key = prefix + value.replaceAll('-', '_')
    const text = say(key)
    return [value, text === key ? value : text]
  })
}
