/** The rarer fields of a group, folded away: each kind of field once, and which group has which. */

import { make } from './dom.js'
import { asset, choice, colour, line, named, toggle, tool, words } from './studio-fields.js'
import { timed } from './studio-values.js'
import { say } from './words.js'

/**
 * A field: its key in the file, its kind, and what it says when nothing is written. label: of its name. options: of a
 * choice. of: the kind of a file.
 * @typedef {{key: string, kind: 'time'|'length'|'share'|'number'|'level'|'flag'|'choice'|'colour'|'file'|'text'|'lines',
 *   label: string, usual?: any, options?: string[], prefix?: string, of?: string, unit?: string}} Spec
 */
/** @typedef {(key: string, value: any) => void} Put */

/** Those that somebody has opened stay open when the form is drawn anew. @type {Set<string>} */
const opened = new Set()

/** What is folded away. @param {string} key @param {Node[]} content @param {string} [title] */
export function more(key, content, title = say('more')) {
  const box = make('details', { class: 'more', open: opened.has(key) }, make('summary', { 'data-key': `${key}:more` }, title), make('div', { class: 'more-body' }, ...content))
  box.addEventListener('toggle', () => (box.open ? opened.add(key) : opened.delete(key)))
  return box
}

/** Changes fields of an item of a list, or of the project. @param {import('./studio-form.js').Form} form @param {string} path @returns {Put} */
export function putter(form, path) {
  return (key, value) => form.set(path ? `${path}.${key}` : key, value)
}

/** @param {import('./studio-form.js').Form} form @param {any} now @param {string} path @param {Spec[]} specs @param {Put} put @returns {HTMLElement[]} */
export function fields(form, now, path, specs, put) {
  return specs.map((spec) => one(form, now?.[spec.key], path ? `${path}.${spec.key}` : spec.key, spec, (value) => put(spec.key, value)))
}

/** @param {import('./studio-form.js').Form} form @param {any} value @param {string} field @param {Spec} spec @param {(value: any) => void} put */
function one(form, value, field, spec, put) {
  const label = say(spec.label)
  const hint = spec.usual === undefined ? '' : String(spec.usual)
  const text = (/** @type {(given: string) => any} */ read) => line({ label, field, value: written(value), hint }, (given) => put(given.trim() ? read(given.trim()) : undefined))
  switch (spec.kind) {
    case 'time': return text((given) => (given.includes(',') ? given.split(',').map(timed) : timed(given)))
    case 'length': return text((given) => (/^-?[\d.]+$/.test(given) ? `${given}%` : given))
    case 'share': return text((given) => (/^[\d.]+$/.test(given) ? (Number(given) > 1 ? `${given}%` : Number(given)) : given))
    case 'level': return text((given) => (/^[+-]?[\d.]+$/.test(given) ? `${given}dB` : given))
    case 'number': return text((given) => (Number.isFinite(Number(given)) ? Number(given) : given))
    case 'text': return text((given) => given)
    case 'lines': return words({ label, field, value }, (given) => put(given || undefined))
    case 'flag': return toggle({ label, field, value: Boolean(value ?? spec.usual) }, (on) => put(on === Boolean(spec.usual) ? undefined : on))
    case 'colour': return paint(label, field, value, put)
    case 'file': return asset({ label, field, value, kind: spec.of ?? '', assets: form.assets, none: say('placeUsual') }, (file) => put(file || undefined), () => form.upload(spec.of ?? ''))
    default: return choice({ label, field, value: String(value ?? ''), options: [['', say('placeUsual')], ...named(spec.options ?? [], spec.prefix ?? '')] }, (given) => put(given || undefined))
  }
}

/** What stands in the file, as it stands. @param {any} value */
function written(value) {
  if (Array.isArray(value)) return value.join(', ')
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value
}

/** A colour that may be left as usual. @param {string} label @param {string} field @param {any} value @param {(value: any) => void} put */
function paint(label, field, value, put) {
  const row = colour({ label, field, value: String(value ?? '#ffffff') }, put)
  const control = /** @type {HTMLInputElement} */ (row.querySelector('input'))
  if (value === undefined) control.classList.add('unset')
  else control.before(tool('undo', say('usual', { name: label }), () => put(undefined)))
  return row
}

const SLIDES = ['left', 'right', 'up', 'down']
const PANS = /** @type {Record<string, any>} */ ({ left: ['left', 'right'], right: ['right', 'left'], up: ['top', 'bottom'], down: ['bottom', 'top'] })

/** Which way a picture is panned. @param {any} now @param {string} path @param {Put} put */
export function panning(now, path, put) {
  const name = now?.pan === undefined ? '' : SLIDES.find((one) => JSON.stringify(PANS[one]) === JSON.stringify(now.pan)) ?? 'own'
  const options = /** @type {[string, string][]} */ ([['', say('panNone')], ...SLIDES.map((one) => [one, say(`pan_${one}`)]), ...(name === 'own' ? [['own', say('placeOwn')]] : [])])
  return choice({ label: say('pan'), field: `${path}.pan`, value: name, options }, (value) => value !== 'own' && put('pan', PANS[value]))
}

/** Where something is: the four fields of a place. @param {import('./studio-form.js').Form} form @param {any} holder @param {string} path of the place */
export function placing(form, holder, path) {
  return make('div', { class: 'four' }, ...fields(form, holder?.place, path, PLACE, (key, value) => form.put(path, 'place', key, value)))
}

/** The part of a sound or video. @param {import('./studio-form.js').Form} form @param {any} holder @param {string} path of the trim */
export function trimming(form, holder, path) {
  return fields(form, holder?.trim, path, TRIM, (key, value) => form.put(path, 'trim', key, value))
}

/** @type {Spec[]} */
const PLACE = [
  { key: 'x', kind: 'length', label: 'placeX', usual: '50%' }, { key: 'y', kind: 'length', label: 'placeY', usual: '50%' },
  { key: 'width', kind: 'length', label: 'placeWidth' }, { key: 'height', kind: 'length', label: 'placeHeight' },
]
/** @type {Spec[]} */
const TRIM = [{ key: 'from', kind: 'time', label: 'trimFrom', usual: '0s' }, { key: 'to', kind: 'time', label: 'trimTo' }]
/** @type {Spec} */
const LANGUAGE = { key: 'language', kind: 'text', label: 'formLanguage', usual: 'auto' }

/** @type {Record<string, Spec[]>} */
export const SPECS = {
  film: [
    { key: 'description', kind: 'lines', label: 'filmAbout' }, { key: 'loudness', kind: 'number', label: 'loudness', usual: -14 },
  ],
  watermark: [{ key: 'payload', kind: 'number', label: 'watermark' }],
  transition: [{ key: 'for', kind: 'time', label: 'changeFor', usual: '0.5s' }],
  voice: [
    { key: 'rate', kind: 'number', label: 'voiceRate', usual: 1 }, { key: 'pitch', kind: 'number', label: 'voicePitch', usual: 0 },
    { key: 'volume', kind: 'number', label: 'voiceVolume', usual: 1 },
  ],
  person: [
    { key: 'name', kind: 'text', label: 'personKept' }, { key: 'crop', kind: 'choice', label: 'personCrop', options: ['none', 'head', 'bust'], prefix: 'crop_' },
    { key: 'emotion', kind: 'choice', label: 'personEmotion', options: ['neutral', 'happy', 'sad', 'angry', 'surprised', 'tender', 'serious'] },
    { key: 'style', kind: 'choice', label: 'personStyle', options: ['lively', 'serious', 'cartoon'], prefix: 'manner_' },
    { key: 'lip_strength', kind: 'number', label: 'personLips', usual: 1 }, { key: 'head_motion', kind: 'number', label: 'personHead', usual: 1 },
    { key: 'blink_rate', kind: 'number', label: 'personBlink', usual: 1 }, { key: 'smoothing', kind: 'number', label: 'personSmooth' },
    { key: 'voice_expression', kind: 'number', label: 'personVoiced' }, { key: 'face', kind: 'number', label: 'personFace', usual: 0 },
    { key: 'seed', kind: 'number', label: 'personSeed' }, LANGUAGE,
  ],
  background: [{ key: 'dim', kind: 'share', label: 'behindDim', usual: '0%' }],
  gradient: [{ key: 'angle', kind: 'number', label: 'behindAngle', usual: 180 }],
  loop: [{ key: 'loop', kind: 'flag', label: 'loop', usual: true }],
  layer: [
    { key: 'opacity', kind: 'share', label: 'opacity', usual: '100%' }, { key: 'behind', kind: 'flag', label: 'layerBehind' },
  ],
  words: [
    { key: 'size', kind: 'length', label: 'wordSize' }, { key: 'font', kind: 'text', label: 'font' }, { key: 'colour', kind: 'colour', label: 'colour' },
  ],
  shown: [{ key: 'fit', kind: 'choice', label: 'fit', options: ['cover', 'contain', 'stretch'], prefix: 'fit_' }],
  clip: [{ key: 'volume', kind: 'level', label: 'ownSound' }, { key: 'loop', kind: 'flag', label: 'loop', usual: false }],
  scene: [
    { key: 'id', kind: 'text', label: 'sceneId' }, { key: 'for', kind: 'time', label: 'sceneLeast' },
    { key: 'before', kind: 'time', label: 'sceneBefore', usual: '0.2s' }, { key: 'after', kind: 'time', label: 'sceneAfter', usual: '0.5s' }, LANGUAGE,
  ],
  captions: [
    { key: 'burned', kind: 'flag', label: 'captionsBurned', usual: true },
    { key: 'place', kind: 'choice', label: 'layerPlace', options: ['bottom', 'middle', 'top'], prefix: 'captions_' },
    { key: 'size', kind: 'length', label: 'wordSize' }, { key: 'font', kind: 'text', label: 'font' },
    { key: 'colour', kind: 'colour', label: 'colour' }, { key: 'highlight', kind: 'colour', label: 'captionsNow' },
  ],
  music: [{ key: 'fade', kind: 'time', label: 'musicFade', usual: '1.5s' }, { key: 'loop', kind: 'flag', label: 'loop', usual: true }],
  logo: [
    { key: 'width', kind: 'length', label: 'placeWidth', usual: '12%' }, { key: 'margin', kind: 'length', label: 'logoMargin', usual: '4%' },
    { key: 'opacity', kind: 'share', label: 'opacity', usual: '100%' },
  ],
  effect: [{ key: 'volume', kind: 'level', label: 'musicVolume', usual: '-6dB' }],
  ending: [{ key: 'volume', kind: 'level', label: 'musicVolume', usual: '0dB' }],
}
