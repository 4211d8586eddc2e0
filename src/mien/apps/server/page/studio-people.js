/** Who speaks: one person, or the people of a dialogue; their faces, voices and places. */

import { make } from './dom.js'
import { asset, button, dial, line, named, section, segments, toggle, tool } from './studio-fields.js'
import { ask } from './studio-ask.js'
import { SPECS, fields, more, placing } from './studio-more.js'
import { expand, number } from './studio-values.js'
import { say } from './words.js'

export class People {
  /** @param {import('./studio-form.js').Form} form */
  constructor(form) {
    this.form = form
  }

  /** Those of a dialogue, null where there is none. */
  get cast() {
    const { cast } = this.form.values
    return cast && typeof cast === 'object' && Object.keys(cast).length ? cast : null
  }

  render() {
    const { form, cast } = this
    const { values } = form
    const avatar = expand('avatar', values.avatar)
    const alone = !cast || avatar.portrait !== undefined || avatar.name !== undefined
    const put = (/** @type {string} */ key, /** @type {any} */ value) => form.put('avatar', 'avatar', key, value)
    return section(
      say('formPeople'),
      ...(alone ? [this.#person(values, 'avatar', 'avatar', null)] : []),
      ...Object.keys(cast ?? {}).map((who) => this.#person(cast, who, `cast.${who}`, this.#head(who))),
      segments({ label: say('formCut'), field: 'avatar.shape', value: String(avatar.shape ?? 'rectangle'), options: named(form.choices.shapes, 'shape_') }, (value) => put('shape', value)),
      ...(alone ? this.#where(avatar) : []),
      toggle({ label: say('formShadow'), field: 'avatar.shadow', value: avatar.shadow === true }, (on) => put('shadow', on ? true : undefined)),
      button(say('personAdd'), () => this.#add(), 'line small-line', 'plus'),
    )
  }

  /** @param {any} avatar @returns {HTMLElement[]} */
  #where(avatar) {
    const { form } = this
    const { values } = form
    const place = avatar.place ?? {}
    const put = (/** @type {string} */ key, /** @type {number} */ value) => form.put('avatar', 'avatar', 'place', (/** @type {any} */ now) => ({ ...now.place, [key]: `${value}%` }))
    return [
      dial({ label: say('formHeight'), field: 'avatar.place.height', value: number(place.height, 58), min: 10, max: 100, step: 1, unit: '%' }, (value) => put('height', value)),
      dial({ label: say('formAcross'), field: 'avatar.place.x', value: number(place.x, 50), min: 0, max: 100, step: 1, unit: '%' }, (value) => put('x', value)),
      dial({ label: say('formDown'), field: 'avatar.place.y', value: number(place.y, 100), min: 0, max: 100, step: 1, unit: '%' }, (value) => put('y', value)),
    ]
  }

  /** @param {string} who */
  #head(who) {
    const away = tool('close', say('personRemove', { name: who }), () => this.form.set(Object.keys(this.cast ?? {}).length > 1 ? `cast.${who}` : 'cast', undefined, true))
    return make('div', { class: 'layer-head' }, make('h4', {}, who), away)
  }

  /** Face and voice of somebody. @param {any} holder @param {string} name @param {string} path @param {Node|null} head */
  #person(holder, name, path, head) {
    const { form } = this
    const person = expand('avatar', holder[name])
    const project = name === 'avatar' && path === 'avatar'
    const voice = expand('voice', project ? form.values.voice : person.voice)
    const put = (/** @type {string} */ key, /** @type {any} */ value) => form.put(path, 'avatar', key, value)
    const pair = make('div', { class: 'pair' },
      asset({ label: say('formFace'), field: `${path}.portrait`, value: person.portrait, kind: 'picture', assets: form.assets, none: person.name ? String(person.name) : say('faceNone') },
        (file) => put('portrait', file || undefined), () => form.upload('picture')),
      line({ label: say('formVoice'), field: project ? 'voice' : `${path}.voice`, value: voice.name ?? 'auto', list: ['auto', ...form.voices] }, (text) => this.#voice(path, project, 'name', text || 'auto')),
    )
    const manner = fields(form, person, path, SPECS.person, put)
    const spoken = fields(form, voice, project ? 'voice' : `${path}.voice`, SPECS.voice, (key, value) => this.#voice(path, project, key, value))
    const rest = more(path, [...(project ? [] : [placing(form, person, `${path}.place`)]), make('div', { class: 'four' }, ...spoken, ...manner)])
    return make('div', { class: 'person' }, ...(head ? [head] : []), pair, rest)
  }

  /** @param {string} path @param {boolean} project @param {string} key @param {any} value */
  #voice(path, project, key, value) {
    if (project) return this.form.put('voice', 'voice', key, value)
    this.form.put(path, 'avatar', 'voice', (/** @type {any} */ now) => {
      const { voice } = now
      if (key === 'name' && typeof voice !== 'object') return value
      const fields = { ...expand('voice', voice), [key]: value }
      if (value === undefined) delete fields[key]
      return fields
    })
  }

  #add() {
    const { form } = this
    const name = line({ label: say('personName'), field: 'new.person', value: '', hint: 'anna' }, () => {})
    const input = /** @type {HTMLInputElement} */ (name.querySelector('input'))
    input.required = true
    input.pattern = '[\\p{L}\\p{N}_][\\p{L}\\p{N}_ \\-]{0,40}'
    const dialog = ask(say('personAdd'), say('create'), async () => {
      const portrait = form.assets.find((one) => one.kind === 'picture')?.file
      const value = { ...(portrait ? { portrait } : { hidden: true }), voice: 'auto' }
      const who = input.value.trim()
      dialog.close()
      form.set(`cast.${who}`, (/** @type {any} */ now) => now ?? value, true)
    }, name)
    input.focus()
  }
}
