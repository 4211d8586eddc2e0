/** The scenes in the form: one is open, and the preview follows it. */

import { make } from './dom.js'
import { backgroundFields } from './studio-background.js'
import { asset, button, choice, line, mark, named, toggle, tool, words } from './studio-fields.js'
import { effectList } from './studio-endings.js'
import { layerList } from './studio-layers.js'
import { SPECS, fields, more, putter } from './studio-more.js'
import { expand, saidIn, timed } from './studio-values.js'
import { say } from './words.js'

const FEELINGS = ['happy', 'sad', 'surprised', 'serious']
const HEARD = ['script', 'audio', 'dialogue', 'for']

export class SceneList {
  /** @param {import('./studio-form.js').Form} form */
  constructor(form) {
    this.form = form
    this.open = 0
  }

  get all() {
    const { scenes } = this.form.values
    return /** @type {any[]} */ (Array.isArray(scenes) ? scenes : [])
  }

  render() {
    this.open = Math.max(0, Math.min(this.open, this.all.length - 1))
    const cards = this.all.map((scene, number) => this.#card(scene && typeof scene === 'object' ? scene : {}, number))
    const add = button(say('sceneAdd'), () => this.#add(), 'line', 'plus')
    return make('section', { class: 'part scenes' }, make('h3', {}, say('formScenes')), make('div', { class: 'cards' }, ...cards), add)
  }

  /** What the scenes are called, after a change of their words. */
  name() {
    for (const [number, place] of this.form.element.querySelectorAll('.scene-name span').entries()) place.textContent = nameOf(this.all[number])
  }

  /** Look at another one. @param {number} number */
  select(number) {
    if (number === this.open || number >= this.all.length) return
    this.open = number
    this.form.render()
    this.#tell()
  }

  #tell() {
    this.form.dispatchEvent(new CustomEvent('scene', { detail: { number: this.open } }))
  }

  /** @param {any} scene @param {number} number */
  #card(scene, number) {
    const path = `scenes[${number}]`
    const open = number === this.open
    const name = make('span', { class: 'scene-name' }, make('b', { class: 'figure' }, String(number + 1)), make('span', {}, nameOf(scene)))
    const summary = make('summary', { 'data-key': `${path}:open` }, name)
    const card = make('details', { class: 'scene-card', open }, summary, ...(open ? [this.#body(scene, number, path)] : []))
    summary.addEventListener('click', (event) => {
      event.preventDefault()
      if (!open) this.select(number)
    })
    return mark(card, path)
  }

  /** @param {any} scene @param {number} number @param {string} path */
  #body(scene, number, path) {
    const { form } = this
    const last = number + 1 === this.all.length
    const tools = make('div', { class: 'scene-tools' },
      tool('up', say('moveUp'), () => this.#move(number, number - 1)),
      tool('down', say('moveDown'), () => this.#move(number, number + 1)),
      tool('copy', say('sceneCopy'), () => this.#copy(scene, number)),
      tool('bin', say('sceneRemove'), () => this.#remove(number)),
    )
    ;/** @type {HTMLButtonElement} */ (tools.children[0]).disabled = number === 0
    ;/** @type {HTMLButtonElement} */ (tools.children[1]).disabled = last
    ;/** @type {HTMLButtonElement} */ (tools.children[3]).disabled = this.all.length === 1
    const changes = /** @type {[string, string][]} */ ([['', say('changeUsual')], ...form.choices.transitions.map((/** @type {string} */ one) => [one, say(`change_${one}`)])])
    const behind = backgroundFields(form, scene, `${path}.background`, say('behindInherited'))
    return make('div', { class: 'scene-body' },
      this.#heard(scene, path),
      ...this.#spoken(scene, path),
      make('div', { class: 'pair' },
        ...behind.slice(0, 1),
        ...(last ? [] : [choice({ label: say('sceneChange'), field: `${path}.transition`, value: String(expand('transition', scene.transition).kind ?? ''), options: changes },
          (value) => (value ? form.put(`${path}.transition`, 'transition', 'kind', value) : form.set(`${path}.transition`, undefined)))]),
      ),
      ...behind.slice(1),
      layerList(form, scene, path),
      effectList(form, scene, path),
      more(path, this.#rest(scene, path)),
      tools,
    )
  }

  /** How it is said: in words, by a recording, by several people, or not at all. @param {any} scene @param {string} path */
  #heard(scene, path) {
    const { form } = this
    const now = HEARD.find((key) => scene[key] !== undefined) ?? 'for'
    const options = HEARD.filter((key) => key !== 'dialogue' || form.people.cast || now === key)
    return choice({ label: say('sceneHeard'), field: `${path}.heard`, value: now, options: named(options, 'heard_') }, (value) => {
      const fresh = this.#fresh(value, scene)
      if (fresh === undefined) {
        form.upload('sound')
        return form.render()
      }
      const old = [...HEARD, 'transcript', 'shots'].filter((key) => key !== value && scene[key] !== undefined && !(key === 'for' && now !== 'for'))
      form.project.edit([{ op: 'set', field: `${path}.${value}`, value: fresh }, ...old.map((key) => ({ op: /** @type {const} */ ('remove'), field: `${path}.${key}` }))], true)
    })
  }

  /** What a scene has at first. @param {string} kind @param {any} scene */
  #fresh(kind, scene) {
    const said = saidIn(scene) || say('sceneNew')
    if (kind === 'audio') return this.form.assets.find((one) => one.kind === 'sound')?.file
    if (kind === 'dialogue') return [{ [Object.keys(this.form.people.cast ?? {})[0]]: said }]
    return kind === 'script' ? said : scene.for ?? '3s'
  }

  /** What is folded away. @param {any} scene @param {string} path @returns {HTMLElement[]} */
  #rest(scene, path) {
    const { form } = this
    const put = putter(form, path)
    const off = (/** @type {string} */ key) => toggle({ label: say(`scene_${key}`), field: `${path}.${key}`, value: scene[key] !== false && scene[key] !== 'none' }, (on) => put(key, on ? undefined : false))
    const who = /** @type {[string, string][]} */ ([['', say('changeUsual')], ['none', say('faceNone')], ...Object.keys(form.people.cast ?? {}).map((one) => [one, one])])
    const shown = typeof scene.avatar === 'object' && scene.avatar ? 'own' : String(scene.avatar ?? '')
    const parts = [
      ...(scene.dialogue ? [choice({ label: say('sceneShots'), field: `${path}.shots`, value: String(scene.shots ?? 'together'), options: named(['together', 'cut'], 'shots_') }, (value) => put('shots', value))]
        : [choice({ label: say('formPeople'), field: `${path}.avatar`, value: shown, options: shown === 'own' ? [...who, ['own', say('placeOwn')]] : who }, (value) => value !== 'own' && put('avatar', value || undefined))]),
      ...(scene.dialogue ? [] : [line({ label: say('formVoice'), field: `${path}.voice`, value: expand('voice', scene.voice).name ?? '', hint: say('changeUsual'), list: form.voices }, (text) => (text ? form.put(`${path}.voice`, 'voice', 'name', text) : put('voice', undefined)))]),
      ...fields(form, scene, path, SPECS.scene.filter((one) => one.key !== 'for' || saidIn(scene) || scene.audio), put),
      ...fields(form, expand('transition', scene.transition), `${path}.transition`, SPECS.transition, (key, value) => form.put(`${path}.transition`, 'transition', key, value)),
    ]
    const transcript = scene.audio ? [words({ label: say('sceneTranscript'), field: `${path}.transcript`, value: scene.transcript, hint: say('sceneTranscriptHint') }, (text) => put('transcript', text || undefined))] : []
    return [make('div', { class: 'four' }, ...parts), ...transcript, off('captions'), off('logo')]
  }

  /** What is said. @param {any} scene @param {string} path @returns {HTMLElement[]} */
  #spoken(scene, path) {
    const { form } = this
    if (Array.isArray(scene.dialogue)) return [this.#dialogue(scene, path)]
    if (scene.audio !== undefined) {
      return [asset({ label: say('sceneAudio'), field: `${path}.audio`, value: scene.audio, kind: 'sound', assets: form.assets }, (file) => file && form.set(`${path}.audio`, file), () => form.upload('sound'))]
    }
    if (scene.script === undefined && scene.for !== undefined) {
      return [line({ label: say('sceneFor'), field: `${path}.for`, value: scene.for, hint: '3s' }, (text) => form.set(`${path}.for`, timed(text)))]
    }
    const box = words({ label: say('sceneScript'), field: `${path}.script`, value: scene.script, hint: say('sceneScriptHint') }, (text) => form.set(`${path}.script`, text))
    const area = /** @type {HTMLTextAreaElement} */ (box.querySelector('textarea'))
    return [make('div', { class: 'script' }, box, marks(area))]
  }

  /** @param {any} scene @param {string} path */
  #dialogue(scene, path) {
    const { form } = this
    const people = Object.keys(form.values.cast ?? {})
    const rows = scene.dialogue.map((/** @type {any} */ spoken, /** @type {number} */ i) => {
      const [who = '', said = ''] = Object.entries(spoken ?? {})[0] ?? []
      const plain = typeof said === 'object' ? String(said?.script ?? '') : String(said)
      const at = `${path}.dialogue[${i}]`
      const speaker = choice({ label: say('lineWho'), field: at, value: who, options: people.map((one) => [one, one]) }, (value) => form.set(at, (/** @type {any} */ now) => ({ [value]: Object.values(now ?? {})[0] ?? said }), true))
      const text = said?.audio ? asset({ label: say('sceneAudio'), field: `${at}.${who}.audio`, value: said.audio, kind: 'sound', assets: form.assets }, (file) => file && form.set(`${at}.${who}.audio`, file), () => form.upload('sound')) : words({ label: say('lineSays'), field: `${at}.${who}`, value: plain }, (value) => form.set(at, (/** @type {any} */ now) => ({ [who]: typeof now?.[who] === 'object' && now[who].script !== undefined ? { ...now[who], script: value } : value })))
      return make('div', { class: 'line-of' }, speaker, text, tool('close', say('lineRemove'), () => form.drop(`${path}.dialogue`, i)))
    })
    const add = button(say('lineAdd'), () => form.append(`${path}.dialogue`, { [people[rows.length % Math.max(1, people.length)] ?? 'anna']: say('lineNew') }), 'line', 'plus')
    return make('div', { class: 'dialogue' }, ...rows, add)
  }

  #add() {
    const number = this.all.length
    const spoken = this.form.values.cast ? { dialogue: [{ [Object.keys(this.form.values.cast)[0]]: say('lineNew') }] } : { script: say('sceneNew') }
    this.#change([{ op: number ? 'insert' : 'set', field: number ? `scenes[${number}]` : 'scenes', value: number ? spoken : [spoken] }], number)
  }

  /** @param {any} scene @param {number} number */
  #copy(scene, number) {
    const { id, ...rest } = scene
    this.#change([{ op: 'insert', field: `scenes[${number + 1}]`, value: rest }], number + 1)
  }

  /** @param {number} from @param {number} to */
  #move(from, to) {
    this.#change([{ op: 'move', field: `scenes[${from}]`, to }], to)
  }

  /** @param {number} number */
  #remove(number) {
    this.#change([{ op: 'remove', field: `scenes[${number}]` }], Math.max(0, number - 1))
  }

  /** @param {import('./studio-api.js').Change[]} changes @param {number} then the scene that is looked at afterwards */
  async #change(changes, then) {
    this.open = then
    await this.form.project.edit(changes, true)
    this.#tell()
  }
}

/** @param {any} scene */
function nameOf(scene) {
  return saidIn(scene) || String(scene?.id ?? say('sceneSilent'))
}

/** Buttons that put marks into a script. @param {HTMLTextAreaElement} area */
function marks(area) {
  const put = (/** @type {string} */ before, /** @type {string} */ after) => {
    const { selectionStart: from, selectionEnd: to } = area
    area.focus()
    area.setRangeText(before + area.value.slice(from, to) + after, from, to, 'end')
    area.dispatchEvent(new Event('input'))
  }
  return make('div', { class: 'script-marks', role: 'group', 'aria-label': say('marks') },
    ...FEELINGS.map((one) => button(say(one), () => put(`[${one}]`, `[/${one}]`), 'chip')),
    button(say('markPause'), () => put('[pause 500ms]', ''), 'chip'),
  )
}
