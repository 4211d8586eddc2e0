/** What a project's values mean: many may be written in short, such as "captions: karaoke". */

/** @typedef {import('./studio-api.js').Change} Change */
/** @typedef {Record<string, any>} Group */

const PICTURE = /\.(png|jpe?g|webp|avif|bmp|tiff?|gif)$/i
const VIDEO = /\.(mp4|m4v|mov|webm|mkv|avi|mpe?g|ts)$/i
const BEHIND = ['colour', 'gradient', 'picture', 'video', 'blur']

/** The field that a single value of a group means. */
const SHORT = { captions: 'style', music: 'file', logo: 'picture', transition: 'kind', voice: 'name', enter: 'kind', exit: 'kind' }

/** A group as fields, {} where there is none. @param {string} name @param {any} value @returns {Group} */
export function expand(name, value) {
  if (value && typeof value === 'object' && !Array.isArray(value)) return value
  if (value === null || value === undefined || value === false || value === 'none') return {}
  const text = String(value)
  if (name === 'canvas') return text.includes(':') ? { aspect: text } : { size: text }
  if (name === 'avatar') return PICTURE.test(text) ? { portrait: text } : { name: text }
  if (name === 'background') {
    if (text === 'blur') return { blur: true }
    return PICTURE.test(text) ? { picture: text } : VIDEO.test(text) ? { video: text } : { colour: text }
  }
  const key = /** @type {Record<string, string>} */ (SHORT)[name]
  return key ? { [key]: value } : {}
}

/** What kind of background it is, "" = none. @param {Group} group */
export function behind(group) {
  return BEHIND.find((key) => group[key]) ?? ''
}

/**
 * The changes that give a group's field a value; undefined takes it away.
 * @param {any} now the group @param {string} path of the group @param {string} name what group it is, such as avatar
 * @param {string} key @param {any} value @returns {Change[]}
 */
export function setIn(now, path, name, key, value) {
  const whole = now && typeof now === 'object'
  if (!whole && now !== undefined && now !== null) {
    const fields = { ...expand(name, now), [key]: value }
    if (value === undefined) delete fields[key]
    return [{ op: 'set', field: path, value: fields }]
  }
  if (value === undefined) return whole && key in now ? [Object.keys(now).length > 1 ? { op: 'remove', field: `${path}.${key}` } : { op: 'remove', field: path }] : []
  return [{ op: 'set', field: `${path}.${key}`, value }]
}

/** Width and height of a canvas. @param {any} value @returns {[number, number]} */
export function canvasSize(value) {
  const { size = '', aspect = 'auto' } = expand('canvas', value)
  const found = /^(\d+)x(\d+)$/.exec(String(size))
  if (found) return [Number(found[1]), Number(found[2])]
  const side = Number.parseInt(String(size), 10) || 1080
  const [w, h] = aspect === 'auto' ? [9, 16] : String(aspect).split(':').map(Number)
  const unit = side / Math.min(w || 9, h || 16)
  return [even((w || 9) * unit), even((h || 16) * unit)]
}

/** @param {number} n */
export function even(n) {
  return 2 * Math.round(n / 2)
}

/** The number of a length, share or level such as "58%" or "-18dB". @param {any} value @param {number} usual */
export function number(value, usual) {
  const found = Number.parseFloat(String(value ?? ''))
  return Number.isFinite(found) ? found : usual
}

/** Words without the marks in them. @param {any} script */
export function plain(script) {
  return String(script ?? '').replace(/\[[^\]]*\]/g, '').replace(/\s+/g, ' ').trim()
}

/** What is said in a scene, without marks. @param {Group} scene */
export function saidIn(scene) {
  const lines = Array.isArray(scene?.dialogue) ? scene.dialogue.flatMap((line) => Object.values(line ?? {})) : [scene?.script]
  return plain(lines.map((one) => (one && typeof one === 'object' ? one.script : one)).filter(Boolean).join(' '))
}

/** What a field is, such as scenes[0].script. @param {any} values @param {string} field */
export function valueAt(values, field) {
  let at = values
  for (const step of field.match(/[^.[\]]+/g) ?? []) at = at?.[step]
  return at ?? undefined
}

/** A time with its unit: seconds, if nothing else is said. @param {string} text */
export function timed(text) {
  return /^[\d.]+$/.test(text.trim()) ? `${text.trim()}s` : text.trim()
}

const TIME = /^\s*[+-]?[\d.:]+\s*(ms|s|min)?\s*$/

/** A moment as people write it: a time, or a word that is said. @param {any} moment */
export function momentText(moment) {
  if (moment && typeof moment === 'object') return String(moment.word ?? moment.cue ?? '')
  return String(moment ?? '')
}

/** The moment that somebody has written; what else was known of the word stays. @param {string} text @param {any} [before] */
export function momentOf(text, before) {
  if (!text.trim()) return undefined
  if (TIME.test(text)) return timed(text)
  const known = before && typeof before === 'object' ? before : {}
  return 'cue' in known ? { ...known, cue: text.trim() } : { ...known, word: text.trim() }
}
