/** The background of a project or a scene, in the form. */

import { make } from './dom.js'
import { asset, choice, colour } from './studio-fields.js'
import { SPECS, fields, more, panning, trimming } from './studio-more.js'
import { behind, expand } from './studio-values.js'
import { say } from './words.js'

const FIRST = { colour: '#2f6f62', gradient: ['#0f3d3e', '#e2dcc8'], blur: true }
const MOVES = /** @type {Record<string, [number, number]>} */ ({ in: [1, 1.15], out: [1.15, 1] })

/**
 * @param {import('./studio-form.js').Form} form @param {any} holder the values that have it @param {string} path of the
 * background @param {string} inherits what it is without one of its own, "" = nothing is inherited
 * @returns {HTMLElement[]}
 */
export function backgroundFields(form, holder, path, inherits) {
  const now = expand('background', holder.background)
  const kind = behind(now)
  const kinds = /** @type {[string, string][]} */ ([
    ['', inherits || say('behindNone')], ['colour', say('behindColour')], ['gradient', say('behindGradient')],
    ['picture', say('behindPicture')], ['video', say('behindVideo')], ['blur', say('behindBlur')],
  ])
  const choose = (/** @type {string} */ value) => {
    if (value === 'picture' || value === 'video') {
      const first = form.assets.find((one) => one.kind === value)
      if (!first) {
        form.upload(value)
        form.render()
      } else form.set(path, { [value]: first.file }, true)
    } else form.set(path, value ? { [value]: /** @type {Record<string, any>} */ (FIRST)[value] } : undefined, true)
  }
  const rest = kind ? [more(path, [make('div', { class: 'four' }, ...rare(form, now, kind, path))])] : []
  return [choice({ label: say('behindKind'), field: path, value: kind, options: kinds }, choose), ...details(form, now, kind, path), ...rest]
}

/** @param {import('./studio-form.js').Form} form @param {Record<string, any>} now @param {string} kind @param {string} path */
function details(form, now, kind, path) {
  const put = (/** @type {string} */ key, /** @type {any} */ value) => form.put(path, 'background', key, value)
  if (kind === 'colour') return [colour({ label: say('colour'), field: `${path}.colour`, value: String(now.colour) }, (value) => put('colour', value))]
  if (kind === 'gradient') {
    const stops = now.gradient.map(String)
    return stops.map((/** @type {string} */ stop, /** @type {number} */ i) =>
      colour({ label: say('behindStop', { n: i + 1 }), field: `${path}.gradient[${i}]`, value: stop }, (value) => put('gradient', (/** @type {any} */ before) => before.gradient.map((/** @type {any} */ old, /** @type {number} */ at) => (at === i ? value : old)))),
    )
  }
  if (kind === 'picture') {
    return [
      make('div', { class: 'pair' },
        asset({ label: say('file'), field: `${path}.picture`, value: now.picture, kind, assets: form.assets }, (file) => file && put('picture', file), () => form.upload(kind)),
        zooming(now, path, put),
      ),
    ]
  }
  if (kind === 'video') return [asset({ label: say('file'), field: `${path}.video`, value: now.video, kind, assets: form.assets }, (file) => file && put('video', file), () => form.upload(kind))]
  return []
}

/** How a picture comes nearer. @param {any} now @param {string} path @param {import('./studio-more.js').Put} put */
export function zooming(now, path, put) {
  const zoom = Array.isArray(now.zoom) ? now.zoom.map(Number) : [1, 1]
  const move = zoom[1] > zoom[0] ? 'in' : zoom[1] < zoom[0] ? 'out' : 'still'
  const options = /** @type {[string, string][]} */ ([['still', say('moveStill')], ['in', say('moveIn')], ['out', say('moveOut')]])
  return choice({ label: say('behindMove'), field: `${path}.zoom`, value: move, options }, (value) => put('zoom', MOVES[value]))
}

/** What is folded away. @param {import('./studio-form.js').Form} form @param {Record<string, any>} now @param {string} kind @param {string} path @returns {HTMLElement[]} */
function rare(form, now, kind, path) {
  const put = (/** @type {string} */ key, /** @type {any} */ value) => form.put(path, 'background', key, value)
  const group = (/** @type {string} */ name) => fields(form, now, path, SPECS[name], put)
  const own = {
    gradient: () => group('gradient'), picture: () => [panning(now, path, put)],
    video: () => [...group('loop'), ...trimming(form, now, `${path}.trim`)],
  }[kind]
  return [...(own?.() ?? []), ...group('background')]
}
