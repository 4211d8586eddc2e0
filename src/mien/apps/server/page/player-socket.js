/** Pictures and sound over a WebSocket, where UDP does not get through: what both forms share. */

import { socketAddress } from './api.js'
import { PathError } from './types.js'
import { unwrap, wrapSound } from './wire.js'

const PATIENCE = 8000
const TELLS = 250 // ms between two words of how far we are

/** @typedef {ReturnType<typeof unwrap>} Packet */

/** Opens the socket and sorts what comes; its heirs play it. */
export class SocketPlayer {
  /**
   * @param {import('./types.js').SessionInfo} session
   * @param {import('./stagehand.js').Stagehand} stage
   * @param {(problem: PathError) => void} onBroken
   * @param {string} form
   */
  constructor(session, stage, onBroken, form) {
    this.stage = stage
    this.onBroken = onBroken
    this.closed = false
    this.latest = 0
    this.path = `api/sessions/${session.id}/media`
    this.form = form
    this.pictureDelay = 0
    this.sentTicks = 0
  }

  start() {
    return new Promise((resolve, reject) => {
      this.socket = new WebSocket(socketAddress(this.path, { form: this.form }))
      this.socket.binaryType = 'arraybuffer'
      const timer = setTimeout(() => reject(new PathError('noMedia')), PATIENCE)
      this.began = () => {
        clearTimeout(timer)
        resolve(undefined)
      }
      this.socket.onmessage = ({ data }) => this.#take(data)
      this.socket.onclose = ({ code, reason }) => {
        clearTimeout(timer)
        const problem = new PathError('socketLost', reason || (code > 1001 ? `WebSocket ${code}` : ''))
        reject(problem)
        if (!this.closed) this.onBroken(problem)
      }
      this.teller = setInterval(() => this.#tell(), TELLS)
    })
  }

  close() {
    this.closed = true
    clearInterval(this.teller)
    this.socket?.close()
    this.capture?.port.postMessage('stop')
    this.capture?.disconnect()
    this.source?.disconnect()
  }

  /** @param {MediaStream|null} stream */
  async microphone(stream) {
    this.source?.disconnect()
    this.capture?.disconnect()
    if (!stream) return
    const { context } = this.stage.sound
    await context.audioWorklet.addModule(new URL('capture-worklet.js', import.meta.url))
    this.source = context.createMediaStreamSource(stream)
    this.capture = new AudioWorkletNode(context, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' })
    this.capture.port.onmessage = ({ data }) => this.#speak(data)
    this.source.connect(this.capture)
  }

  /** @param {number} ms */
  setPictureDelay(ms) {
    this.pictureDelay = ms
  }

  /** What the pictures and sounds will be. @param {any} about */
  configure(about) {
    throw new Error(`not for ${about}`)
  }

  /** @param {Packet} packet */
  play(packet) {
    throw new Error(`not for ${packet}`)
  }

  /** Ask for a picture that depends on no other. */
  wantKey() {
    this.#send(JSON.stringify({ type: 'key' }))
  }

  /** @param {number} tick */
  cut(tick) {
    throw new Error(`not for ${tick}`)
  }

  /** @param {string|ArrayBuffer} data */
  #take(data) {
    if (typeof data !== 'string') {
      const packet = unwrap(data)
      this.latest = Math.max(this.latest, packet.tick)
      if (packet.kind !== 3) this.stage.clock.note(packet.tick, performance.now())
      this.play(packet)
      return
    }
    const message = JSON.parse(data)
    if (message.type === 'video') {
      this.configure(message)
      this.began?.()
    } else if (message.type === 'cut') this.stage.cutBy(message.tick)
  }

  /** @param {Int16Array} samples */
  #speak(samples) {
    this.#send(wrapSound(this.sentTicks, samples))
    this.sentTicks += samples.length
  }

  #tell() {
    if (this.latest) this.#send(JSON.stringify({ type: 'got', tick: this.latest }))
  }

  /** @param {string|ArrayBuffer} message */
  #send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(message)
  }
}
