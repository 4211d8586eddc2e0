/** What comes before the first scene and after the last; and sounds at a moment of a scene. */

import { make } from './dom.js'
import { SPECS, fields, more, putter, trimming } from './studio-more.js'
import { asset, button, choice, line, mark, named, section, tool } from './studio-fields.js'
import { expand, momentOf, momentText, timed } from './studio-values.js'
import { say } from './words.js'

/** @typedef {import('./studio-form.js').Form} Form */

/** @param {Form} form */
export function endings(form) {
  return section(say('formEndings'), ending(form, 'intro'), ending(form, 'outro'))
}

/** @param {Form} form @param {'intro'|'outro'} name */
function ending(form, name) {
  const now = /** @type {any} */ (expand(name, form.values[name]))
  const kind = now.video !== undefined ? 'video' : now.picture !== undefined ? 'picture' : ''
  const choose = (/** @type {string} */ wanted) => {
    if (!wanted) return form.set(name, undefined, true)
    const first = form.assets.find((one) => one.kind === wanted)
    if (first) return form.set(name, { [wanted]: first.file, ...(wanted === 'picture' ? { for: '3s' } : {}) }, true)
    form.upload(wanted)
    form.render()
  }
  const options = /** @type {[string, string][]} */ ([['', say('endingNone')], ['picture', say('behindPicture')], ['video', say('behindVideo')]])
  const head = choice({ label: say(name), field: name, value: kind, options }, choose)
  if (!kind) return head
  const file = asset({ label: say('file'), field: `${name}.${kind}`, value: now[kind], kind, assets: form.assets }, (given) => given && form.set(`${name}.${kind}`, given), () => form.upload(kind))
  return make('div', { class: 'ending' }, make('div', { class: 'pair' }, head, file), more(name, [make('div', { class: 'four' }, ...rest(form, now, name, kind))]))
}

/** @param {Form} form @param {any} now @param {string} name @param {string} kind */
function rest(form, now, name, kind) {
  const put = putter(form, name)
  const change = choice({ label: say('sceneChange'), field: `${name}.transition`, value: String(expand('transition', now.transition).kind ?? ''), options: [['', say('placeUsual')], ...named(form.choices.transitions, 'change_')] },
    (value) => (value ? form.put(`${name}.transition`, 'transition', 'kind', value) : put('transition', undefined)))
  const volume = fields(form, now, name, SPECS.ending, put)
  if (kind === 'video') return [...trimming(form, now, `${name}.trim`), ...volume, change]
  const sound = asset({ label: say('endingSound'), field: `${name}.sound`, value: now.sound, kind: 'sound', assets: form.assets }, (given) => put('sound', given || undefined), () => form.upload('sound'))
  const long = line({ label: say('sceneFor'), field: `${name}.for`, value: now.for, hint: '3s' }, (text) => put('for', text.trim() ? timed(text) : undefined))
  return [long, sound, ...volume, change]
}

/** Sounds of a scene. @param {Form} form @param {any} scene @param {string} path of the scene */
export function effectList(form, scene, path) {
  const all = /** @type {any[]} */ (Array.isArray(scene.effects) ? scene.effects : [])
  const rows = all.map((effect, i) => row(form, effect ?? {}, `${path}.effects[${i}]`, () => form.drop(`${path}.effects`, i)))
  const add = button(say('effectAdd'), () => {
    const file = form.assets.find((one) => one.kind === 'sound')?.file
    if (!file) return form.upload('sound')
    form.append(`${path}.effects`, { sound: file, at: '0s' })
  }, 'line small-line', 'plus')
  return make('div', { class: 'layers' }, ...(rows.length ? [make('h4', {}, say('effects'))] : []), ...rows, add)
}

/** @param {Form} form @param {any} effect @param {string} path @param {() => void} away */
function row(form, effect, path, away) {
  const head = make('div', { class: 'layer-head' }, make('span', { class: 'badge' }, say('effect')), tool('close', say('effectRemove'), away))
  return mark(make('div', { class: 'layer' }, head, make('div', { class: 'four' },
    asset({ label: say('file'), field: `${path}.sound`, value: effect.sound, kind: 'sound', assets: form.assets }, (file) => file && form.set(`${path}.sound`, file), () => form.upload('sound')),
    line({ label: say('effectAt'), field: `${path}.at`, value: momentText(effect.at), hint: say('layerAtHint') }, (text) => form.set(`${path}.at`, (/** @type {any} */ before) => momentOf(text, before) ?? '0s')),
    ...fields(form, effect, path, SPECS.effect, putter(form, path)))), path)
}
