/** What the server tells of the studio: films, the project that is open, small films. It is listened to while somebody looks. */

import { socketAddress } from './api.js'

const WAITS = [500, 1000, 2000, 5000]

/** Events, of what came last: "films" {films}, "progress" {films: id to [done, total]}, "project" {name, version, files}, "drafts" {drafts}. */
export class StudioEvents extends EventTarget {
  constructor() {
    super()
    this.project = ''
    this.attempt = 0
    this.wanted = false
    /** @type {WebSocket|null} */
    this.socket = null
    document.addEventListener('visibilitychange', () => this.#follow())
    addEventListener('online', () => this.#follow())
  }

  /** Listen from now on. @param {string} project one whose changes are told, "" = none */
  begin(project) {
    if (this.wanted && project === this.project && this.socket) return
    this.project = project
    this.wanted = true
    this.#close()
    this.#follow()
  }

  stop() {
    this.wanted = false
    this.#close()
  }

  #follow() {
    if (!this.wanted || document.hidden) return this.#close()
    if (this.socket) return
    const socket = (this.socket = new WebSocket(socketAddress('api/studio/events', this.project ? { project: this.project } : {})))
    socket.onmessage = (event) => {
      this.attempt = 0
      const { type, ...detail } = JSON.parse(event.data)
      this.dispatchEvent(new CustomEvent(type, { detail }))
    }
    socket.onclose = () => {
      this.socket = null
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.#follow(), WAITS[Math.min(this.attempt, WAITS.length - 1)])
      this.attempt += 1
    }
  }

  #close() {
    clearTimeout(this.timer)
    const { socket } = this
    this.socket = null
    if (!socket) return
    socket.onclose = socket.onmessage = null
    socket.close()
  }
}
