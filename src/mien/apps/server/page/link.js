/** The connection to a session: opens it, keeps it, says in words what is wrong, and goes the other way when one fails. */

import { ApiError, call, farewell, socketAddress } from './api.js'
import { ChunkPlayer } from './player-chunks.js'
import { FragmentPlayer } from './player-fragments.js'
import { WebRtcPlayer } from './player-webrtc.js'
import { PathError } from './types.js'

const WAITS = [0.3, 0.7, 1.5, 3, 5] // seconds before the next attempt
const FULL_WAITS = 3
const PING = 5000
const SILENT = 12000 // ms without a word of the server

/** @typedef {import('./types.js').Status} Status */

/**
 * Events: "status" (Status), "session" (SessionInfo, a new one), "event" (ServerEvent).
 * way: "auto", "webrtc" or "socket".
 */
export class Link extends EventTarget {
  /** @param {import('./stagehand.js').Stagehand} stage @param {import('./types.js').Wish} wish @param {string} [way] */
  constructor(stage, wish, way = 'auto') {
    super()
    this.stage = stage
    this.wish = wish
    this.way = way
    /** @type {import('./types.js').SessionInfo|null} */
    this.session = null
    /** @type {import('./types.js').Player|null} */
    this.player = null
    /** @type {Status} */
    this.status = { phase: 'starting', path: '', reason: '', detail: '', seconds: 0 }
    /** @type {MediaStream|null} */
    this.stream = null
    this.pictureDelay = 0
    this.attempt = 0
    this.resting = false // nobody wants a session now
    this.run = 0 // of what is going on now; what an older run still does is void
    addEventListener('pagehide', () => this.#leave())
    addEventListener('pageshow', (event) => event.persisted && !this.resting && this.open()) // the way back to a page that was left
    addEventListener('online', () => this.status.phase === 'retrying' && this.open())
  }

  /** Open a session, or join the one there is. Never throws: the status tells. */
  async open() {
    this.resting = false
    const run = this.#begin()
    try {
      this.#tell({ phase: this.session ? 'connecting' : 'starting' })
      await this.#join(run)
      await this.#connect(run)
      if (run === this.run) this.attempt = 0
    } catch (error) {
      if (run === this.run) this.#failed(error)
    }
  }

  /** Watch a session that somebody else has opened; it does not end with this page. @param {string} id */
  adopt(id) {
    this.adopted = true
    this.session = {
      id, size: [512, 512], fps: 25, persona: { name: '', greeting: '' }, voice: '', language: '', ice_servers: [],
      hearing: { backend: '', languages: [], note: '' },
    }
  }

  /** Another session with another wish; what is shown stays until it is there. @param {import('./types.js').Wish} wish */
  async recast(wish) {
    this.wish = wish
    this.#leave()
    await this.open()
  }

  /** Leave the session, until it is opened again. */
  close() {
    this.resting = true
    this.#begin()
    this.#leave()
    this.stage.renew()
    this.#tell({ phase: 'starting' })
  }

  /** @param {object} message @returns {boolean} whether there was anybody to tell */
  send(message) {
    if (this.events?.readyState !== WebSocket.OPEN) return false
    this.events.send(JSON.stringify(message))
    return true
  }

  /** @param {MediaStream|null} stream */
  async microphone(stream) {
    this.stream = stream
    await this.player?.microphone(stream)
  }

  /** @param {number} ms */
  setPictureDelay(ms) {
    this.pictureDelay = ms
    this.player?.setPictureDelay(ms)
  }

  /** The tick that is heard now, null = nothing is. */
  heardTick() {
    return this.player?.heardTick() ?? null
  }

  #begin() {
    clearTimeout(this.timer)
    clearInterval(this.pinger)
    this.#drop()
    this.run += 1
    return this.run
  }

  #drop() {
    this.player?.close()
    this.player = null
    const { events } = this
    this.events = undefined
    if (events) {
      events.onclose = events.onmessage = null
      events.close()
    }
  }

  #leave() {
    this.#drop()
    if (this.session && !this.adopted) farewell(`api/sessions/${this.session.id}`)
    this.session = null
  }

  /** A session and its events. @param {number} run */
  async #join(run) {
    if (this.session && !(await this.#lives(this.session.id))) {
      if (this.adopted) throw new PathError('sessionOver')
      this.session = null
    }
    const fresh = !this.session
    this.session ??= await call('POST', 'api/sessions', this.wish)
    if (run !== this.run) return
    await this.#listen(/** @type {import('./types.js').SessionInfo} */ (this.session).id, run)
    if (fresh) this.#emit('session', this.session)
  }

  /** @param {string} id */
  async #lives(id) {
    try {
      await call('GET', `api/sessions/${id}`)
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  }

  /** @param {string} id @param {number} run */
  #listen(id, run) {
    return new Promise((resolve, reject) => {
      const events = new WebSocket(socketAddress(`api/sessions/${id}/events`))
      this.events = events
      this.spoke = performance.now()
      events.onopen = () => {
        this.pinger = setInterval(() => this.#ping(run), PING)
        resolve(undefined)
      }
      events.onmessage = ({ data }) => this.#take(JSON.parse(data))
      events.onclose = () => {
        reject(new PathError('serverGone'))
        if (run === this.run && this.player) this.#failed(new PathError('serverGone'))
      }
    })
  }

  /** @param {number} run */
  #ping(run) {
    if (run !== this.run) return
    if (performance.now() - (this.spoke ?? 0) > SILENT) this.#failed(new PathError('serverSilent'))
    else this.send({ type: 'ping', t: performance.now() })
  }

  /** @param {import('./types.js').ServerEvent} event */
  #take(event) {
    const now = performance.now()
    this.spoke = now
    if (event.type === 'pong') return
    if (event.type === 'sound' && typeof event.at === 'number') this.stage.clock.note(event.at, now)
    else if (typeof event.tick === 'number') this.stage.clock.noteRoughly(event.tick, now)
    this.#emit('event', event)
  }

  /** Pictures and sound: by WebRTC, else over the socket. @param {number} run */
  async #connect(run) {
    const session = /** @type {import('./types.js').SessionInfo} */ (this.session)
    const direct = this.way !== 'socket' && session.webrtc !== false && 'RTCPeerConnection' in window
    let why = new PathError(this.way === 'socket' ? 'socketChosen' : 'noWebrtc')
    if (direct) {
      this.#tell({ phase: 'connecting', path: 'webrtc' })
      try {
        await this.#play(new WebRtcPlayer(session, this.stage, (problem) => this.#fallBack(run, problem)), run)
        this.#tell({ phase: 'live', path: 'webrtc' })
        return
      } catch (error) {
        if (run !== this.run) return
        if (error instanceof ApiError && [0, 401, 404].includes(error.status)) throw error
        why = error instanceof PathError ? error : new PathError('webrtcFailed', String(/** @type {Error} */ (error).message))
        if (this.way === 'webrtc') throw why
      }
    }
    if (run === this.run) await this.#socket(session, run, why)
  }

  /** @param {import('./types.js').SessionInfo} session @param {number} run @param {PathError} why not by WebRTC */
  async #socket(session, run, why) {
    this.player?.close()
    this.stage.renew()
    this.#tell({ phase: 'connecting', path: 'socket', reason: why.reason, detail: why.detail })
    const Form = 'VideoDecoder' in window && 'AudioDecoder' in window ? ChunkPlayer : FragmentPlayer
    await this.#play(new Form(session, this.stage, (problem) => run === this.run && this.#failed(problem)), run)
    this.#tell({ phase: 'live', path: 'socket', reason: why.reason, detail: why.detail })
  }

  /** @param {import('./types.js').Player} player @param {number} run */
  async #play(player, run) {
    this.player = player
    await player.start()
    if (run !== this.run) {
      player.close()
      throw new PathError('serverGone')
    }
    player.setPictureDelay(this.pictureDelay)
    await player.microphone(this.stream).catch(() => {})
  }

  /** WebRTC broke under way. @param {number} run @param {PathError} problem */
  async #fallBack(run, problem) {
    if (run !== this.run) return
    try {
      if (this.way === 'webrtc' || !this.session) throw problem
      await this.#socket(this.session, run, problem)
    } catch (error) {
      if (run === this.run) this.#failed(error)
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#begin()
    this.stage.renew()
    const { status = -1, code = '' } = error instanceof ApiError ? error : {}
    const detail = error instanceof ApiError ? error.sentence : error instanceof PathError ? error.detail : String(error)
    if (status === 401 || status === 403) {
      this.#tell({ phase: 'token', reason: status === 401 ? 'tokenWrong' : 'denied', detail })
    } else if (status === 503 || status === 429 || code.startsWith('busy')) {
      this.#again('refused', code === 'busy.token' ? 'fullToken' : code === 'busy.rate' ? 'tooOften' : 'full', detail, FULL_WAITS)
    } else if (status >= 400 && status < 500) {
      this.#tell({ phase: 'refused', reason: 'refused', detail })
    } else {
      const wait = WAITS[Math.min(this.attempt, WAITS.length - 1)]
      const reason = error instanceof PathError ? error.reason : status > 0 ? 'serverBroken' : 'serverGone'
      this.attempt += 1
      this.#again('retrying', reason, status > 0 || error instanceof PathError ? detail : '', wait)
    }
  }

  /** @param {'retrying'|'refused'} phase @param {string} reason @param {string} detail @param {number} seconds */
  #again(phase, reason, detail, seconds) {
    this.#tell({ phase, reason, detail, seconds })
    this.timer = setTimeout(() => this.open(), 1000 * seconds)
  }

  /** @param {Partial<Status> & {phase: import('./types.js').Phase}} status */
  #tell(status) {
    this.status = { path: '', reason: '', detail: '', seconds: 0, ...status }
    this.#emit('status', this.status)
  }

  /** @param {string} type @param {any} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}
