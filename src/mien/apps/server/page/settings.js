/** The settings' drawer: dials that work at once, and choices that need another session. */

import { call, picture } from './api.js'
import { BackdropChoice } from './backdrop.js'
import { make, recall, remember, the } from './dom.js'
import { MemoryGroup, visitor } from './memory.js'
import { currentLanguage, say, translate } from './words.js'

/** [name, lowest, highest, step, usual] */
const DIALS = /** @type {const} */ ([['lip_strength', 0, 2, 0.05, 1], ['head_motion', 0, 2, 0.05, 1], ['smoothing', 0, 1, 0.05, 0.35]])
const STYLES = ['lively', 'serious', 'cartoon']
const EMOTIONS = ['neutral', 'happy', 'sad', 'angry', 'surprised', 'tender', 'serious']
const LANGUAGES = [['', 'languageAuto'], ['en', 'English'], ['zh', '中文']]
const KEPT = ['lip_strength', 'head_motion', 'smoothing', 'style', 'emotion', 'avatar', 'voice', 'answers', 'background', 'mirror', 'delay', 'handsFree', 'monitor']

/**
 * Events: "dials" {face}, "recast", "background" {background, file?, before}, "voice" {voice, language}, "mirror",
 * "delay" {ms}, "talking" {way}, "monitor". */
export class Settings extends EventTarget {
  constructor() {
    super()
    this.dialog = the('settings', HTMLDialogElement)
    this.form = the('settings-form', HTMLFormElement)
    this.session = '' // what /stage may show
    this.alpha = false // whether that has transparency
    this.backdrop = new BackdropChoice()
    this.backdrop.addEventListener('background', (given) => {
      this.#tell('background', /** @type {CustomEvent} */ (given).detail)
      this.render()
    })
    this.memory = new MemoryGroup()
    this.memory.addEventListener('render', () => this.render())
    this.memory.addEventListener('change', () => this.#tell('recast', {}))
    /** @type {{name: string, picture?: string}[]} */
    this.avatars = []
    /** @type {{id: string, label: string}[]} */
    this.voices = []
    /** @type {Map<string, string>} */
    this.pictures = new Map()
    the('settings-open', HTMLButtonElement).addEventListener('click', () => this.open())
    the('settings-close', HTMLButtonElement).addEventListener('click', () => this.dialog.close())
    this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close())
  }

  /** What a session is to be like. @returns {import('./types.js').Wish} */
  get wish() {
    const { background } = this.backdrop
    /** @type {import('./types.js').Wish} */
    const wish = { face: this.face, hearing: { hands_free: this.talking !== 'off' } }
    if (visitor()) wish.visitor = visitor()
    for (const [key, kept] of /** @type {const} */ ([['avatar', 'avatar'], ['voice', 'voice'], ['language', 'answers']])) {
      if (recall(kept, '')) wish[key] = recall(kept, '')
    }
    if (background) wish.background = background
    if (background === 'transparent') wish.alpha = true
    return wish
  }

  /** @returns {Record<string, number|string>} */
  get face() {
    /** @type {Record<string, number|string>} */
    const face = {}
    for (const [name, , , , usual] of DIALS) face[name] = Number(recall(name, String(usual)))
    face.style = recall('style', STYLES[0])
    face.emotion = recall('emotion', EMOTIONS[0])
    return face
  }

  get mirrored() {
    return recall('mirror', 'off') === 'on'
  }

  /** How one talks: "on" = it listens always, "off" = while a button is held, "puppet" = the voice moves the face. */
  get talking() {
    return recall('handsFree', 'on')
  }

  /** Whether a puppeteer hears the own voice. */
  get monitored() {
    return recall('monitor', 'off') === 'on'
  }

  get delay() {
    return Number(recall('delay', '0'))
  }

  open() {
    this.render()
    this.dialog.showModal()
    this.#load().then(() => this.dialog.open && this.render())
  }

  render() {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined
    this.form.replaceChildren(
      ...(this.avatars.length ? [this.#avatars()] : []),
      this.#voiceGroup(),
      this.#faceGroup(),
      this.#pictureGroup(),
      this.#talkGroup(),
      this.#group('memory', ...this.memory.content()),
      this.#obsGroup(),
      this.#resetButton(),
    )
    translate(this.form)
    if (focused) /** @type {HTMLElement|null} */ (this.form.querySelector(`[data-key="${focused}"]`))?.focus()
  }

  async #load() {
    const [avatars, voices, backgrounds] = await Promise.all([...['avatars', 'voices', 'backgrounds'].map((one) => call('GET', `api/${one}`).catch(() => [])), this.memory.load()])
    this.backdrop.pictures = list(backgrounds, 'pictures')
    this.avatars = list(avatars, 'avatars').map((one) => (typeof one === 'string' ? { name: one } : one)).filter((one) => one.name)
    this.voices = list(voices, 'voices').map(voiceOf).filter((one) => one.id)
    await Promise.all(this.avatars.slice(0, 60).map(async ({ name }) => {
      if (this.pictures.has(name)) return
      const address = await picture(`api/avatars/${encodeURIComponent(name)}/picture`).catch(() => '')
      this.pictures.set(name, address)
    }))
  }

  #avatars() {
    const now = recall('avatar', '') || this.avatars[0].name
    const faces = this.avatars.map(({ name }) => {
      const address = this.pictures.get(name)
      const face = address ? make('img', { src: address, alt: '' }) : make('span', { class: 'blank', 'aria-hidden': 'true' }, name.slice(0, 1))
      return this.#radio('avatar', name, now === name, face, make('span', {}, name))
    })
    return this.#group('avatar', make('div', { class: 'faces' }, ...faces))
  }

  #voiceGroup() {
    const voices = [['', say('voiceAuto')], ...this.voices.map(({ id, label }) => [id, label])]
    const languages = LANGUAGES.map(([id, label]) => [id, id ? label : say(label)])
    return this.#group('voice', this.#select('voice', 'voice', voices), this.#select('answers', 'answers', languages))
  }

  #faceGroup() {
    const dials = DIALS.map(([name, low, high, step, usual]) =>
      this.#dial(name, low, high, step, usual, (value) => `${Math.round(100 * value)} %`, () => this.#tell('dials', { face: this.face })))
    const styles = make('div', { class: 'segments', role: 'radiogroup', 'data-say-label': 'style' },
      ...STYLES.map((name) => this.#radio('style', name, recall('style', STYLES[0]) === name, make('span', { 'data-say': name }))))
    return this.#group('face', styles, this.#select('emotion', 'emotion', EMOTIONS.map((name) => [name, say(name)])), ...dials)
  }

  #pictureGroup() {
    return this.#group('picture',
      ...this.backdrop.content(),
      this.#toggle('mirror', 'off'),
      this.#dial('delay', 0, 400, 10, 0, (value) => say('ms', { n: value }), (value) => this.#tell('delay', { ms: value })),
      make('p', { class: 'about', 'data-say': 'delayAbout' }))
  }

  #talkGroup() {
    const now = this.talking
    return this.#group('talking', make('div', { class: 'segments', role: 'radiogroup', 'data-say-label': 'talking' },
      this.#radio('handsFree', 'on', now === 'on', make('span', { 'data-say': 'handsFree' })),
      this.#radio('handsFree', 'off', now === 'off', make('span', { 'data-say': 'holdToTalk' })),
      this.#radio('handsFree', 'puppet', now === 'puppet', make('span', { 'data-say': 'puppet' }))),
    ...(now === 'puppet' ? [make('p', { class: 'about', 'data-say': 'puppetAbout' }), this.#toggle('monitor', 'off'), make('p', { class: 'about', 'data-say': 'monitorAbout' })] : []))
  }

  #obsGroup() {
    const address = new URL('stage', document.baseURI)
    const { avatar, voice } = this.wish
    const { alpha } = this
    if (alpha && this.session) address.searchParams.set('session', this.session)
    else if (avatar) address.searchParams.set('avatar', avatar)
    if (voice && !address.searchParams.has('session')) address.searchParams.set('voice', voice)
    if (this.mirrored) address.searchParams.set('mirror', '1')
    const copy = make('button', { class: 'line', type: 'button', 'data-say': 'copy', 'data-key': 'copy' })
    copy.addEventListener('click', async () => {
      await navigator.clipboard?.writeText(address.href).catch(() => {})
      copy.textContent = say('copied')
    })
    return this.#group('obs', make('p', { class: 'about', 'data-say': alpha ? 'obsSame' : 'obsAbout' }), make('p', { class: 'address' }, address.href), make('div', {}, copy))
  }

  #resetButton() {
    const button = make('button', { class: 'line', type: 'button', 'data-say': 'reset', 'data-key': 'reset' })
    button.addEventListener('click', () => {
      const before = JSON.stringify(this.wish)
      for (const key of KEPT) remember(key, key === 'smoothing' ? '0.35' : USUAL[key] ?? '')
      this.#tell('dials', { face: this.face })
      this.#tell('mirror', {})
      this.#tell('delay', { ms: 0 })
      this.#tell('talking', { way: 'on' })
      this.#tell('monitor', {})
      this.backdrop.own = ''
      if (before !== JSON.stringify(this.wish)) this.#tell('recast', {})
      this.render()
    })
    return make('div', {}, button)
  }

  /** @param {string} title @param {HTMLElement[]} content */
  #group(title, ...content) {
    return make('fieldset', { class: 'group' }, make('legend', { 'data-say': title }), ...content)
  }

  /** @param {string} key @param {string} value @param {boolean} checked @param {HTMLElement[]} content */
  #radio(key, value, checked, ...content) {
    const input = make('input', { type: 'radio', name: key, value, checked, 'data-key': `${key}-${value}` })
    input.addEventListener('change', () => this.#chosen(key, value))
    return make('label', { class: 'choice' }, input, ...content)
  }

  /** @param {string} key @param {string} label @param {string[][]} options */
  #select(key, label, options) {
    const select = make('select', { 'data-key': key })
    for (const [value, text] of options) select.append(make('option', { value }, text))
    select.value = recall(key, options[0][0])
    if (select.selectedIndex < 0) select.selectedIndex = 0
    select.addEventListener('change', () => this.#chosen(key, select.value))
    return make('label', { class: 'row' }, make('span', { 'data-say': label }), select)
  }

  /** @param {string} key @param {string} usual */
  #toggle(key, usual) {
    const box = make('input', { type: 'checkbox', class: 'switch', role: 'switch', 'data-key': key, checked: recall(key, usual) === 'on' })
    box.addEventListener('change', () => this.#chosen(key, box.checked ? 'on' : 'off'))
    return make('label', { class: 'row' }, make('span', { 'data-say': key }), box)
  }

  /**
   * @param {string} key @param {number} low @param {number} high @param {number} step @param {number} usual
   * @param {(value: number) => string} show @param {(value: number) => void} tell
   */
  #dial(key, low, high, step, usual, show, tell) {
    const input = make('input', { type: 'range', min: String(low), max: String(high), step: String(step), 'data-key': key, id: `dial-${key}` })
    input.value = recall(key, String(usual))
    const output = make('output', { for: input.id })
    const paint = () => {
      output.textContent = show(Number(input.value))
      input.setAttribute('aria-valuetext', output.textContent)
      input.style.setProperty('--filled', `${(100 * (Number(input.value) - low)) / (high - low)}%`)
    }
    input.addEventListener('input', () => {
      remember(key, input.value)
      paint()
      tell(Number(input.value))
    })
    input.addEventListener('dblclick', () => {
      input.value = String(usual)
      input.dispatchEvent(new Event('input'))
    })
    paint()
    return make('div', { class: 'dial' }, make('label', { for: input.id, 'data-say': key }), output, input)
  }

  /** @param {string} key @param {string} value */
  #chosen(key, value) {
    remember(key, value)
    if (key === 'style' || key === 'emotion') this.#tell('dials', { face: this.face })
    else if (key === 'mirror') this.#tell('mirror', {})
    else if (key === 'handsFree') this.#tell('talking', { way: value })
    else if (key === 'monitor') this.#tell('monitor', {})
    else if (key === 'voice' || key === 'answers') this.#tell('voice', { voice: recall('voice', ''), language: recall('answers', '') })
    else this.#tell('recast', {})
    if (key === 'mirror' || key === 'avatar' || key === 'voice' || key === 'handsFree') this.render()
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** @type {Record<string, string>} */
const USUAL = { lip_strength: '1', head_motion: '1', style: 'lively', emotion: 'neutral', mirror: 'off', delay: '0', handsFree: 'on', monitor: 'off' }

/** @param {any} given @param {string} name @returns {any[]} */
function list(given, name) {
  return Array.isArray(given) ? given : Array.isArray(given?.[name]) ? given[name] : []
}

/** @param {any} one */
function voiceOf(one) {
  const id = typeof one === 'string' ? one : one.id ?? one.name ?? ''
  const named = new Intl.DisplayNames([currentLanguage()], { type: 'language', fallback: 'code' })
  const spoken = [one.languages ?? one.language ?? []].flat().filter((/** @type {string} */ code) => /^[a-z]{2,3}(-[\w-]+)?$/i.test(code))
  const languages = spoken.slice(0, 3).map((/** @type {string} */ code) => named.of(code))
  return { id, label: [one.note && one.note.length < 30 ? one.note : id, languages.join(', ')].filter(Boolean).join(' · ') }
}
