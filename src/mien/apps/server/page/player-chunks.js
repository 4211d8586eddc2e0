/** WebCodecs and Web Audio: each picture is shown when its tick is heard. */

import { TICKS_PER_MS } from './clock.js'
import { SocketPlayer } from './player-socket.js'
import { Screen } from './screen.js'
import { PICTURE, SOUND, fromHex } from './wire.js'

const LEAD = 0.06 // seconds between arrival and sound
const MOST_LEAD = 0.4
const SLACK = 0.003
const SPARE = 0.025
const MOST_WAITING = 24
const LOOKS = 60 // blocks of sound between two looks

/** @typedef {import('./player-socket.js').Packet} Packet */

export class ChunkPlayer extends SocketPlayer {
  /** @param {import('./types.js').SessionInfo} session @param {import('./stagehand.js').Stagehand} stage @param {(p: any) => void} onBroken */
  constructor(session, stage, onBroken) {
    super(session, stage, onBroken, 'chunks')
    this.screen = new Screen(stage.packed)
    this.base = /** @type {number|null} */ (null) // seconds of the context at tick 0
    this.lead = LEAD
    /** @type {{tick: number, source: AudioBufferSourceNode}[]} */
    this.sounding = []
    /** @type {VideoFrame[]} */
    this.waiting = []
    this.notBefore = 0
    this.needsKey = true
    this.least = Infinity // seconds by which sound was early, of late
    this.blocks = 0
    this.draw = this.draw.bind(this)
    requestAnimationFrame(this.draw)
  }

  close() {
    super.close()
    for (const { source } of this.sounding.splice(0)) source.stop()
    for (const frame of this.waiting.splice(0)) frame.close()
    if (this.decoder?.state !== 'closed') this.decoder?.close()
  }

  heardTick() {
    return this.base === null ? null : (this.#heard() - this.base) * 1000 * TICKS_PER_MS
  }

  /** @param {number} tick */
  cut(tick) {
    this.notBefore = tick
    for (const { source, tick: at } of this.sounding) if (at < tick) source.stop(this.stage.sound.context.currentTime + 0.01)
  }

  /** @param {any} about */
  configure(about) {
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close()
    this.screen.packed = about.packed
    this.decoder = new VideoDecoder({ output: (frame) => this.#wait(frame), error: () => this.#restart(about) })
    this.decoder.configure({ codec: about.codec, description: fromHex(about.description), optimizeForLatency: true })
    this.needsKey = true
    this.stage.present(this.screen.canvas)
  }

  /** @param {Packet} packet */
  play(packet) {
    if (packet.kind === PICTURE) this.#decode(packet)
    else if (packet.kind === SOUND) this.#sound(packet)
  }

  /** A page in the background draws nothing, and decoders stop when their pictures are not given back. @param {VideoFrame} frame */
  #wait(frame) {
    this.waiting.push(frame)
    while (this.waiting.length > MOST_WAITING) this.waiting.shift()?.close()
  }

  /** @param {any} about */
  #restart(about) {
    if (this.closed) return
    this.configure(about)
    this.wantKey()
  }

  /** @param {Packet} packet */
  #decode({ key, tick, body }) {
    if (this.decoder?.state !== 'configured' || (this.needsKey && !key)) return
    this.needsKey = false
    this.decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: (tick * 1000) / TICKS_PER_MS, data: body }))
  }

  /** @param {Packet} packet */
  #sound({ tick, body }) {
    const { context, input } = this.stage.sound
    const samples = new Int16Array(body.buffer, body.byteOffset, body.byteLength >> 1)
    this.#place(tick / 48000, samples)
    if (tick < this.notBefore || this.base === null) return
    const buffer = context.createBuffer(1, samples.length, 48000)
    const out = buffer.getChannelData(0)
    for (let n = 0; n < samples.length; n++) out[n] = samples[n] / 32768
    const source = context.createBufferSource()
    source.buffer = buffer
    source.connect(input)
    const entry = { tick, source }
    this.sounding.push(entry)
    source.onended = () => this.sounding.splice(this.sounding.indexOf(entry), 1)
    source.start(Math.max(0, this.base + tick / 48000))
  }

  /**
   * Choose when tick 0 was: anew when sound comes too late, or so early that it piles up; earlier in silence, where
   * nobody hears it, when sound has waited longer than it must.
   * @param {number} at seconds @param {Int16Array} samples
   */
  #place(at, samples) {
    const now = this.stage.sound.context.currentTime
    const ahead = this.base === null ? -1 : this.base + at - now
    if (this.base !== null && ahead < SLACK) this.lead = Math.min(MOST_LEAD / 2, this.lead * 1.3) // the network is uneven
    if (ahead < SLACK || ahead > MOST_LEAD) this.base = now + this.lead - at
    else this.#tighten(ahead, samples)
  }

  /** @param {number} ahead @param {Int16Array} samples */
  #tighten(ahead, samples) {
    this.least = Math.min(this.least, ahead)
    this.blocks += 1
    if (this.blocks < LOOKS || this.base === null || samples.some((one) => one !== 0)) return
    if (this.least > 2 * SPARE) {
      this.base -= this.least - SPARE
      this.lead = LEAD
    }
    this.least = Infinity
    this.blocks = 0
  }

  /** Seconds of the context that reach the ear now. */
  #heard() {
    const { context } = this.stage.sound
    const { contextTime, performanceTime } = context.getOutputTimestamp()
    if (!this.stage.sound.on || !performanceTime) return context.currentTime
    return (contextTime ?? 0) + (performance.now() - performanceTime) / 1000
  }

  draw() {
    if (this.closed) return
    const muted = !this.stage.sound.on // the context's clock stands still, so pictures are shown as they come
    const heard = this.heardTick()
    /** @type {VideoFrame|null} */
    let newest = null
    while (this.waiting.length && (muted || (heard !== null && this.#due(this.waiting[0]) <= heard + 8 * TICKS_PER_MS))) {
      newest?.close()
      newest = this.waiting.shift() ?? null
    }
    if (newest) {
      this.screen.draw(newest, newest.displayWidth, newest.displayHeight)
      const now = performance.now()
      if (heard !== null && !muted) this.stage.skew = (heard - this.#due(newest)) / TICKS_PER_MS
      this.stage.shown({ tick: Math.round((newest.timestamp * TICKS_PER_MS) / 1000), received: now, shown: now })
      newest.close()
    }
    requestAnimationFrame(this.draw)
  }

  /** The tick at which a picture is shown. @param {VideoFrame} frame */
  #due(frame) {
    return (frame.timestamp / 1000 + this.pictureDelay) * TICKS_PER_MS
  }
}
