/** Files on their way to the server, in pieces: after a break each goes on where it was, also on another visit. */

import { ApiError } from './api.js'
import { api, told } from './studio-api.js'

const PIECE = 4 << 20
const FIRST = 256 << 10
const SOON = 1000
const LATE = 5000 // ms that a piece takes: shorter ones grow, longer ones shrink
const STALLED = 120000
const WAITS = [1, 2, 5, 10, 20]

/** @typedef {{file: File, name: string, sent: number, state: 'waiting'|'sending'|'pausing'|'done'|'failed', words: string, stop?: AbortController, id?: string}} Going */

/** Events: "change", "done" {name}. refuse: says why a file cannot be taken, "" = it can. */
export class Uploads extends EventTarget {
  /** @param {string} project @param {number} piece the most that the server takes at once @param {(file: File, coming: number) => string} refuse */
  constructor(project, piece, refuse) {
    super()
    this.refuse = refuse
    this.project = project
    this.most = Math.min(PIECE, piece)
    this.piece = Math.min(FIRST, piece)
    /** @type {Going[]} */
    this.all = []
    this.working = false
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      const name = tidy(file.name)
      this.all = this.all.filter((one) => one.name !== name || one.state === 'sending')
      const coming = this.all.filter((one) => ['waiting', 'sending', 'pausing'].includes(one.state)).reduce((sum, one) => sum + one.file.size, 0)
      const words = this.refuse(file, coming)
      this.all.push({ file, name, sent: 0, state: words ? 'failed' : 'waiting', words })
    }
    this.#changed()
    this.#work()
  }

  /** @param {Going} going */
  cancel(going) {
    going.stop?.abort()
    if (going.id) api.drop(going.id).catch(() => {})
    this.all = this.all.filter((one) => one !== going)
    this.#changed()
  }

  close() {
    this.closed = true
    for (const going of this.all) going.stop?.abort()
  }

  async #work() {
    if (this.working) return
    this.working = true
    for (let next; !this.closed && (next = this.all.find((one) => one.state === 'waiting')); ) await this.#send(next)
    this.working = false
  }

  /** @param {Going} going */
  async #send(going) {
    going.state = 'sending'
    going.stop = new AbortController()
    this.#changed()
    let failures = 0
    while (going.state !== 'done' && going.state !== 'failed') {
      if (going.stop.signal.aborted) return
      try {
        await this.#pieces(going)
        failures = 0
      } catch (error) {
        if (going.stop.signal.aborted) return
        const away = !(error instanceof ApiError) || error.status === 0
        const again = away || error.status >= 502 || ['upload.offset', 'input.conflict'].includes(error.code)
        this.piece = Math.min(FIRST, this.most)
        if (!again || (!away && failures >= WAITS.length)) {
          going.state = 'failed'
          going.words = told(error)
          if (error instanceof ApiError && error.code === 'missing.upload') going.id = undefined
        } else {
          going.state = 'pausing'
          this.#changed()
          await pause(1000 * WAITS[Math.min(failures, WAITS.length - 1)])
          failures += 1
          going.state = 'sending'
        }
      }
      this.#changed()
    }
    if (going.state === 'done') this.dispatchEvent(new CustomEvent('done', { detail: { name: going.name } }))
  }

  /** @param {Going} going */
  async #pieces(going) {
    const { file } = going
    const mark = [file.name, file.size, file.lastModified].join(' ').slice(-200)
    const begun = await api.announce(this.project, { file: going.name, size: file.size, mark })
    going.id = begun.id
    let offset = begun.offset
    while (true) {
      const piece = file.slice(offset, offset + this.piece)
      const stop = AbortSignal.any([/** @type {AbortController} */ (going.stop).signal, AbortSignal.timeout(STALLED)])
      const began = performance.now()
      const now = await api.put(begun.id, piece, offset, stop)
      const took = performance.now() - began
      this.piece = Math.max(Math.min(FIRST, this.most), Math.min(this.most, took < SOON ? this.piece * 2 : took > LATE ? this.piece / 2 : this.piece))
      offset = going.sent = now.offset
      if (now.done) {
        going.state = 'done'
        return
      }
      this.#changed()
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}

/** A name that the server takes: letters of any writing, digits, spaces and ()-+._ @param {string} name */
export function tidy(name) {
  const [, stem, ending] = /^(.*?)(\.[A-Za-z0-9]{2,5})?$/s.exec(name.normalize('NFC').replace(/（/g, '(').replace(/）/g, ')')) ?? []
  const kept = (stem ?? '').replace(/[^\p{L}\p{N}_ ().+-]+/gu, '_').replace(/^[^\p{L}\p{N}_]+/u, '').slice(0, 60).replace(/[ .+(-]+$/, '')
  return `${kept || 'file'}${ending ?? ''}`
}

/** Some time, or until the network is there again. @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
  })
}
