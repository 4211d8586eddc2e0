/** A project that is open: its text, its values, what is wrong with it, and whether it is saved. */

import { ApiError } from './api.js'
import { recall, remember } from './dom.js'
import { api, told } from './studio-api.js'

const SAVE_MS = 900
const READ_MS = 350
const CHECK_MS = 700
const MOST_UNDO = 200

/** @typedef {import('./studio-api.js').Problem} Problem */
/** @typedef {import('./studio-api.js').Change} Change */

/**
 * Events: "text" (it changed), "values" {structure} (they changed; structure: the form is another), "problems",
 * "state", "settled" (text that can be read, and nothing under way).
 * state: saved, changed, saving, conflict or failed.
 */
export class Project extends EventTarget {
  /** @param {any} info as the server tells of it */
  constructor(info) {
    super()
    this.name = /** @type {string} */ (info.name)
    this.file = /** @type {string} */ (info.file)
    this.look = /** @type {boolean} */ (info.look)
    this.state = 'saved'
    this.trouble = ''
    this.seconds = 0
    this.closed = false
    this.pending = 0 // changes whose turn has not come
    /** @type {Promise<void>} */
    this.chain = Promise.resolve()
    /** @type {Promise<void>} */
    this.saving = Promise.resolve()
    /** @type {string[]} */
    this.before = []
    /** @type {string[]} */
    this.after = []
    this.#adopt(info)
  }

  /** @param {any} info */
  #adopt(info) {
    this.text = /** @type {string} */ (info.text)
    this.version = /** @type {string} */ (info.version)
    this.values = info.values ?? {}
    this.readable = info.values !== null && typeof info.values === 'object' && !info.problems.length
    /** @type {Problem[]} */
    this.problems = info.problems
    this.saved = this.text
  }

  /** Look at the text, once it is open. */
  begin() {
    const [version, draft] = JSON.parse(recall(`draft.${this.name}`, '') || '[]') // what could not be saved last time
    remember(`draft.${this.name}`, '')
    if (draft !== undefined && version === this.version) this.type(draft)
    this.#later('check', CHECK_MS / 10, () => this.#check())
  }

  /**
   * Change fields; what somebody types meanwhile goes first. @param {Change[]|((values: any) => Change[])} changes
   * or what makes them of the values as they are when their turn comes
   * @param {boolean} [structure] whether the form has other fields then
   */
  edit(changes, structure = false) {
    this.pending += 1
    this.chain = this.chain.then(async () => {
      this.pending -= 1
      try {
        let asked, made
        do {
          asked = this.text
          const wanted = typeof changes === 'function' ? changes(this.values) : changes
          if (!wanted.length) return
          made = await api.edit(this.name, asked, wanted)
        } while (asked !== this.text) // somebody typed in the file meanwhile
        this.#take(made, true, structure)
      } catch (error) {
        this.trouble = told(error)
        this.#tell('values', { structure: true }) // what the form shows is not so
        this.#tell('state')
      }
    })
    return this.chain
  }

  /** Somebody typed in the file. @param {string} text */
  type(text) {
    if (text === this.text) return
    this.#remember()
    this.text = text
    this.#changed()
    this.#later('read', READ_MS, () => this.edit0())
  }

  /** Read the values of the text again. */
  edit0() {
    this.chain = this.chain.then(async () => {
      const asked = this.text
      const made = await api.edit(this.name, asked, []).catch(() => null)
      if (made && asked === this.text) this.#take(made, false, true)
    })
    return this.chain
  }

  undo() {
    this.#swap(this.before, this.after)
  }

  redo() {
    this.#swap(this.after, this.before)
  }

  /** Save now, what is being written included. */
  async save() {
    clearTimeout(this.timers.save)
    await this.chain
    await this.saving
    if (this.text === this.saved || this.state === 'conflict') return
    this.saving = this.#put(this.text)
    await this.saving
  }

  /** @param {string} text */
  async #put(text) {
    this.#become('saving')
    try {
      const info = await api.write(this.name, text, this.version).catch((error) => this.#mine(error, text))
      this.version = info.version
      this.saved = text
      this.trouble = ''
      this.#become(this.text === text ? 'saved' : 'changed')
      if (this.text !== text) this.#later('save', SAVE_MS, () => this.save())
    } catch (error) {
      this.trouble = told(error)
      this.#become(isChanged(error) ? 'conflict' : 'failed')
      if (this.state === 'failed' && !this.closed) this.#later('save', 5000, () => this.save())
    }
  }

  /** What was refused because it is there already: the answer to saving it was lost. @param {any} error @param {string} text */
  async #mine(error, text) {
    const info = isChanged(error) ? await api.read(this.name).catch(() => null) : null
    if (info?.text !== text) throw error
    return info
  }

  /** Which version the server has now; what nobody here has changed follows it. @param {string} version */
  async elsewhere(version) {
    if (version === this.version || this.state !== 'saved' || this.text !== this.saved) return
    const info = await api.read(this.name).catch(() => null)
    if (!info || this.state !== 'saved' || this.text !== this.saved || info.version === this.version || this.closed) return
    this.#theirs(info)
  }

  /** Somebody else has saved meanwhile: whose text is it? @param {boolean} mine */
  async settle(mine) {
    const info = await api.read(this.name).catch(() => null)
    if (!info) return
    if (mine) {
      this.version = info.version
      this.saved = info.text
      this.state = 'changed'
      await this.save()
      return
    }
    this.#theirs(info)
  }

  /** @param {any} info */
  #theirs(info) {
    this.#remember()
    this.#adopt(info)
    this.#become('saved')
    this.#tell('text')
    this.#tell('values', { structure: true })
    this.begin()
  }

  async close() {
    this.closed = true
    await this.save()
    remember(`draft.${this.name}`, this.text === this.saved ? '' : JSON.stringify([this.version, this.text]))
    for (const timer of Object.values(this.timers)) clearTimeout(timer)
    this.looking?.abort()
  }

  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  timers = {}

  /** @param {any} made @param {boolean} own whether the form made it @param {boolean} structure */
  #take(made, own, structure) {
    if (own && made.text !== this.text) {
      this.#remember()
      this.text = made.text
      this.#changed()
    }
    this.readable = made.values !== null && typeof made.values === 'object' && !Array.isArray(made.values)
    if (this.readable) this.values = made.values
    this.problems = made.problems
    this.#tell('values', { structure })
    this.#tell('problems')
    if (this.readable) {
      this.#tell('settled')
      this.#later('check', CHECK_MS, () => this.#check())
    }
  }

  async #check() {
    this.looking?.abort()
    const looking = (this.looking = new AbortController())
    const asked = this.text
    try {
      const found = await api.check(this.name, asked, looking.signal)
      if (asked !== this.text) return
      this.problems = found.problems
      this.seconds = found.seconds
      this.#tell('problems')
    } catch (error) {
      if (error instanceof ApiError && error.code === 'busy.studio') this.#later('check', 2000, () => this.#check())
    }
  }

  #changed() {
    this.trouble = ''
    if (this.state !== 'conflict') this.#become('changed')
    this.#tell('text')
    this.#later('save', SAVE_MS, () => this.save())
  }

  #remember() {
    if (this.before.at(-1) !== this.text) this.before.push(this.text)
    if (this.before.length > MOST_UNDO) this.before.shift()
    this.after = []
  }

  /** @param {string[]} from @param {string[]} to */
  #swap(from, to) {
    const text = from.pop()
    if (text === undefined) return
    to.push(this.text)
    this.text = text
    this.#changed()
    this.edit0()
  }

  /** @param {string} what @param {number} ms @param {() => void} work */
  #later(what, ms, work) {
    clearTimeout(this.timers[what])
    this.timers[what] = setTimeout(work, ms)
  }

  /** @param {string} state */
  #become(state) {
    this.state = state
    this.#tell('state')
  }

  /** @param {string} type @param {any} [detail] */
  #tell(type, detail) {
    if (!this.closed) this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** @param {any} error */
function isChanged(error) {
  return error instanceof ApiError && error.code === 'project.changed'
}
