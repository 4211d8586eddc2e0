/** What lies over a scene: titles, names, pictures, videos, slides, each for its time. */

import { make } from './dom.js'
import { zooming } from './studio-background.js'
import { asset, choice, line, mark, tool, words } from './studio-fields.js'
import { SPECS, fields, more, panning, placing, putter, trimming } from './studio-more.js'
import { expand, momentOf, momentText, timed, valueAt } from './studio-values.js'
import { say } from './words.js'

const KINDS = ['title', 'lower_third', 'picture', 'video', 'slides']
const OF = /** @type {Record<string, string>} */ ({ picture: 'picture', video: 'video', slides: 'document' })
const PLACES = /** @type {Record<string, object>} */ ({
  top: { y: '12%' }, middle: { y: '50%' }, bottom: { y: '82%' }, upper: { x: '50%', y: '18%', width: '80%' },
})

/** @param {import('./studio-form.js').Form} form @param {any} scene @param {string} path of the scene */
export function layerList(form, scene, path) {
  const layers = /** @type {any[]} */ (Array.isArray(scene.layers) ? scene.layers : [])
  const rows = layers.map((layer, i) => row(form, layer ?? {}, `${path}.layers[${i}]`, () => form.drop(`${path}.layers`, i)))
  const adder = make('select', { class: 'adder', 'aria-label': say('layerAdd'), 'data-key': `${path}.layers:add` },
    make('option', { value: '' }, say('layerAdd')), ...KINDS.map((kind) => make('option', { value: kind }, say(`layer_${kind}`))))
  adder.addEventListener('change', () => add(form, path, adder))
  return make('div', { class: 'layers' }, make('h4', {}, say('layers')), ...rows, adder)
}

/** @param {import('./studio-form.js').Form} form @param {string} path @param {HTMLSelectElement} adder */
function add(form, path, adder) {
  const kind = adder.value
  adder.value = ''
  const value = fresh(form, kind)
  if (!value) return form.upload(OF[kind])
  form.append(`${path}.layers`, value)
}

/** A new layer, null where its file is still to come. @param {import('./studio-form.js').Form} form @param {string} kind */
function fresh(form, kind) {
  if (kind === 'title') return { title: say('layerTitle'), at: '0.3s', for: '3s', enter: 'fade', exit: 'fade', place: PLACES.top }
  if (kind === 'lower_third') return { lower_third: { name: say('layerName'), role: say('layerRole') }, at: '0.5s', for: '4s', enter: 'fade', exit: 'fade' }
  const file = form.assets.find((one) => one.kind === OF[kind])?.file
  if (!file) return null
  if (kind === 'slides') return { slides: file, page: 1, place: { x: '50%', y: '30%', width: '90%' }, fit: 'contain' }
  return { [kind]: file, at: '0.5s', for: '3s', enter: 'fade', exit: 'fade', place: PLACES.upper }
}

/** @param {import('./studio-form.js').Form} form @param {any} layer @param {string} path @param {() => void} away */
function row(form, layer, path, away) {
  const kind = KINDS.find((one) => layer[one] !== undefined) ?? 'title'
  const put = (/** @type {string} */ key, /** @type {any} */ value) => form.set(`${path}.${key}`, value)
  const text = (/** @type {string} */ label, /** @type {string} */ key, /** @type {any} */ value, hint = '') =>
    line({ label, field: `${path}.${key}`, value, hint }, (now) => put(key, now === '' ? undefined : now))
  const shown = {
    title: () => [words({ label: say('layer_title'), field: `${path}.title`, value: layer.title }, (now) => put('title', now || undefined))], // a second line is smaller
    lower_third: () => [text(say('layerName'), 'lower_third.name', layer.lower_third?.name), text(say('layerRole'), 'lower_third.role', layer.lower_third?.role)],
    picture: () => [file(form, layer, 'picture', path)],
    video: () => [file(form, layer, 'video', path)],
    slides: () => [file(form, layer, 'slides', path), line({ label: say('layerPage'), field: `${path}.page`, value: layer.page ?? 1, type: 'number' }, (now) => put('page', Number(now) || 1))],
  }[kind]
  const head = make('div', { class: 'layer-head' }, make('span', { class: 'badge' }, say(`layer_${kind}`)), tool('close', say('layerRemove'), away))
  return mark(make('div', { class: 'layer' }, head, make('div', { class: 'pair' }, ...(shown?.() ?? [])), timing(form, layer, path, kind), more(path, rest(form, layer, path, kind))), path)
}

/** When it comes, how long it stays, where and how. @param {import('./studio-form.js').Form} form @param {any} layer @param {string} path @param {string} kind */
function timing(form, layer, path, kind) {
  const put = putter(form, path)
  const when = line({ label: say('layerAt'), field: `${path}.at`, value: momentText(layer.at), hint: say('layerAtHint') }, (now) => put('at', (/** @type {any} */ before) => momentOf(now, before)))
  const long = line({ label: say('layerFor'), field: `${path}.for`, value: layer.for, hint: say('layerForHint') }, (now) => ends(form, path, 'for', now.trim() ? timed(now) : undefined))
  const spot = layer.place === undefined ? '' : Object.keys(PLACES).find((one) => JSON.stringify(PLACES[one]) === JSON.stringify(layer.place)) ?? 'own'
  const spots = /** @type {[string, string][]} */ ([['', say('placeUsual')], ['top', say('placeTop')], ['middle', say('placeMiddle')], ['bottom', say('placeBottom')], ['upper', say('placeUpper')], ...(spot === 'own' ? [['own', say('placeOwn')]] : [])])
  const where = choice({ label: say('layerPlace'), field: `${path}.place`, value: spot, options: spots }, (now) => now !== 'own' && put('place', PLACES[now]))
  const written = kind === 'title' || kind === 'lower_third'
  const ways = form.choices.entrances.filter((/** @type {string} */ one) => written || one !== 'wipe')
  const enter = choice({ label: say('layerEnter'), field: `${path}.enter`, value: String(expand('enter', layer.enter).kind ?? ''), options: [['', say('placeUsual')], ...ways.map((/** @type {string} */ one) => [one, say(`enter_${one}`)])] },
    (now) => (now ? form.put(`${path}.enter`, 'enter', 'kind', now) : put('enter', undefined)))
  return make('div', { class: 'four' }, when, long, where, enter)
}

/** A layer goes after a time or at a moment, not both. @param {import('./studio-form.js').Form} form @param {string} path @param {'for'|'until'} key @param {any} value */
function ends(form, path, key, value) {
  const other = key === 'for' ? 'until' : 'for'
  const both = valueAt(form.values, `${path}.${other}`) !== undefined
  form.set(`${path}.${key}`, value, both)
  if (value !== undefined) form.set(`${path}.${other}`, undefined, both)
}

/** What is folded away. @param {import('./studio-form.js').Form} form @param {any} layer @param {string} path @param {string} kind @returns {HTMLElement[]} */
function rest(form, layer, path, kind) {
  const put = putter(form, path)
  const written = kind === 'title' || kind === 'lower_third'
  const ways = form.choices.entrances.filter((/** @type {string} */ one) => written || one !== 'wipe')
  const until = line({ label: say('layerUntil'), field: `${path}.until`, value: momentText(layer.until), hint: say('layerAtHint') }, (now) => ends(form, path, 'until', momentOf(now)))
  const exit = choice({ label: say('layerExit'), field: `${path}.exit`, value: String(expand('exit', layer.exit).kind ?? ''), options: [['', say('placeUsual')], ...ways.map((/** @type {string} */ one) => [one, say(`exit_${one}`)])] },
    (now) => (now ? form.put(`${path}.exit`, 'exit', 'kind', now) : put('exit', undefined)))
  const group = (/** @type {string} */ name) => fields(form, layer, path, SPECS[name], put)
  const own = {
    title: () => group('words'), lower_third: () => group('words'), slides: () => group('shown'),
    picture: () => [...group('shown'), zooming(layer, path, put), panning(layer, path, put)],
    video: () => [...group('shown'), ...trimming(form, layer, `${path}.trim`), ...group('clip')],
  }[kind]
  return [placing(form, layer, `${path}.place`), make('div', { class: 'four' }, until, exit, ...(own?.() ?? []), ...group('layer'))]
}

/** @param {import('./studio-form.js').Form} form @param {any} layer @param {string} key @param {string} path */
function file(form, layer, key, path) {
  return asset({ label: say('file'), field: `${path}.${key}`, value: layer[key], kind: OF[key], assets: form.assets }, (name) => name && form.set(`${path}.${key}`, name), () => form.upload(OF[key]))
}
