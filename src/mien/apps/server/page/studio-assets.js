/** The drawer of a project's files: what is there, what is on its way, and where more can be dropped. */

import { icon, make } from './dom.js'
import { api, told } from './studio-api.js'
import { tool } from './studio-fields.js'
import { Uploads } from './studio-uploads.js'
import { say } from './words.js'

const TAKES = '.png,.jpg,.jpeg,.webp,.avif,.gif,.mp4,.mov,.webm,.wav,.mp3,.m4a,.flac,.ogg,.pdf,.pptx,.ttf,.otf,.txt,.srt,.vtt'
const KINDS = /** @type {[string, RegExp][]} */ ([
  ['picture', /\.(png|jpe?g|webp|avif|bmp|tiff?|gif)$/i], ['video', /\.(mp4|m4v|mov|webm|mkv|avi|mpe?g|ts)$/i],
  ['sound', /\.(wav|mp3|flac|m4a|aac|ogg|opus)$/i], ['document', /\.(pdf|pptx)$/i], ['font', /\.(ttf|otf|ttc)$/i], ['text', /\.(txt|srt|vtt|md)$/i],
])
const OF = /** @type {Record<string, string>} */ ({ picture: 'image/*', video: 'video/*', sound: 'audio/*', document: '.pdf,.pptx' })

/** Events: "change" {assets}. */
export class Drawer extends EventTarget {
  /** @param {string} project @param {any} limits */
  constructor(project, limits) {
    super()
    this.project = project
    this.limits = limits
    /** @type {import('./studio-api.js').Asset[]} */
    this.assets = []
    this.used = 0
    /** @type {Map<string, string>} */
    this.pictures = new Map()
    this.uploads = new Uploads(project, limits.piece, (file, coming) => this.#refusal(file, coming))
    this.uploads.addEventListener('change', () => this.#going())
    this.uploads.addEventListener('done', (given) => {
      this.pictures.delete(/** @type {CustomEvent} */ (given).detail.name)
      this.load()
    })
    this.picker = make('input', { type: 'file', multiple: true, class: 'file', tabindex: '-1', 'aria-hidden': 'true' })
    this.picker.addEventListener('change', () => {
      this.uploads.add(this.picker.files ?? [])
      this.picker.value = ''
    })
    this.moving = make('ul', { class: 'moving' })
    this.list = make('ul', { class: 'assets' })
    this.meter = make('div', { class: 'meter' })
    this.dialog = make('dialog', { class: 'settings drawer', 'aria-labelledby': 'drawer-title' })
    this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close())
    document.body.append(this.dialog)
    this.#drops(document.documentElement)
    this.render()
  }

  /** Why a file would not be taken; before a byte of it is sent. @param {File} file @param {number} coming bytes that are on their way */
  #refusal(file, coming) {
    const { limits, used } = this
    const kind = kindOf(file.name)
    if (!kind) return say('uploadKind')
    if (!file.size) return say('uploadEmpty')
    if (file.size > limits.largest[kind]) return say('uploadLarge', { kind: say(`kind_${kind}`), most: bytes(limits.largest[kind]), size: bytes(file.size) })
    const left = Math.min(limits.each - used, limits.whole - limits.used) - coming
    return file.size > left ? say('uploadRoom', { left: bytes(Math.max(0, left)), size: bytes(file.size) }) : ''
  }

  render() {
    const choose = make('button', { type: 'button', class: 'drop' }, icon('put'), make('b', {}, say('dropHere')), make('span', { class: 'about' }, say('dropKinds')))
    choose.addEventListener('click', () => this.choose(''))
    this.dialog.replaceChildren(
      make('header', {}, make('h2', { id: 'drawer-title' }, say('assets')), tool('close', say('close'), () => this.dialog.close())),
      make('div', { class: 'drawer-body' }, choose, this.picker, this.moving, this.list, this.meter),
    )
    this.#show()
    this.#going()
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal()
    this.load()
  }

  /** Ask for files of a kind. @param {string} kind "" = any */
  choose(kind) {
    if (!this.dialog.open) this.open()
    this.picker.accept = OF[kind] ?? TAKES
    this.picker.click()
  }

  async load() {
    const found = await api.assets(this.project).catch(() => null)
    if (!found) return
    this.assets = found.assets
    this.used = found.used
    this.limits = (await api.offer().catch(() => null))?.limits ?? this.limits
    this.#show()
    this.dispatchEvent(new CustomEvent('change', { detail: { assets: this.assets } }))
  }

  close() {
    this.uploads.close()
    this.dialog.remove()
    for (const [target, kind, listener] of this.listeners ?? []) target.removeEventListener(kind, listener)
    for (const url of this.pictures.values()) URL.revokeObjectURL(url)
  }

  #show() {
    this.list.replaceChildren(...this.assets.map((one) => this.#item(one)))
    const share = Math.min(100, (100 * this.used) / this.limits.each)
    const bar = make('span', { class: 'bar-line' })
    bar.style.setProperty('--share', `${share}%`)
    this.meter.replaceChildren(bar, make('span', { class: 'about figure' }, say('usedProject', { used: bytes(this.used), all: bytes(this.limits.each), left: bytes(Math.max(0, this.limits.whole - this.limits.used)) })))
  }

  /** @param {import('./studio-api.js').Asset} one */
  #item(one) {
    const face = make('span', { class: 'thumb', 'data-kind': one.kind }, one.file.split('.').pop()?.toUpperCase() ?? '')
    if (one.kind === 'picture' || one.kind === 'video') this.#picture(one, face)
    const away = tool('bin', say('assetRemove', { name: one.file }), async () => {
      await api.removeAsset(this.project, one.file).catch((error) => (face.title = told(error)))
      this.load()
    })
    return make('li', {}, face, make('span', { class: 'asset-name' }, make('b', {}, one.file), make('span', { class: 'about figure' }, `${say(`kind_${one.kind}`)} · ${bytes(one.size)}`)), away)
  }

  /** @param {import('./studio-api.js').Asset} one @param {HTMLElement} face */
  async #picture(one, face) {
    if (!this.pictures.has(one.file)) {
      const url = await api.thumbnail(this.project, one.file).catch(() => '')
      if (url) this.pictures.set(one.file, url)
    }
    const url = this.pictures.get(one.file)
    if (url) face.replaceChildren(make('img', { src: url, alt: '' }))
  }

  #going() {
    this.moving.replaceChildren(...this.uploads.all.filter((one) => one.state !== 'done').map((one) => {
      const share = Math.round((100 * one.sent) / Math.max(1, one.file.size))
      const words = one.state === 'failed' ? one.words : one.state === 'pausing' ? say('uploadPausing') : say('uploadShare', { n: share })
      const bar = make('progress', { max: '100', value: String(share), 'aria-label': one.name })
      return make('li', { 'data-state': one.state }, make('span', { class: 'asset-name' }, make('b', {}, one.name), bar, make('span', { class: 'about', role: 'status' }, words)), tool('close', say('uploadStop', { name: one.name }), () => this.uploads.cancel(one)))
    }))
  }

  /** Files may be dropped anywhere. @param {HTMLElement} target */
  #drops(target) {
    const dragging = (/** @type {Event} */ event) => {
      const { dataTransfer } = /** @type {DragEvent} */ (event)
      if (!dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      document.body.classList.toggle('dropping', event.type === 'dragover')
      if (event.type !== 'drop') return
      this.open()
      this.uploads.add(dataTransfer.files)
    }
    this.listeners = /** @type {[HTMLElement, string, EventListener][]} */ (['dragover', 'dragleave', 'drop'].map((kind) => [target, kind, dragging]))
    for (const [one, kind, listener] of this.listeners) one.addEventListener(kind, listener)
  }
}

/** What a file may be used as, "" = nothing. @param {string} name */
function kindOf(name) {
  return KINDS.find(([, endings]) => endings.test(name))?.[0] ?? ''
}

/** @param {number} count */
export function bytes(count) {
  const units = ['kB', 'MB', 'GB']
  const step = Math.min(2, Math.floor(Math.log10(Math.max(1000, count)) / 3) - 1)
  const value = count / 1000 ** (step + 1)
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[step]}`
}
