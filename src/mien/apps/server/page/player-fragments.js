/** Fragmented MP4 through Media Source Extensions: for browsers without WebCodecs, and pages that are not on https. */

import { TICKS_PER_MS } from './clock.js'
import { SocketPlayer } from './player-socket.js'
import { Screen } from './screen.js'
import { PathError } from './types.js'

const FAR = 0.6
const NEAR = 0.1
const KEPT = 10 // seconds of the past

export class FragmentPlayer extends SocketPlayer {
  /** @param {import('./types.js').SessionInfo} session @param {import('./stagehand.js').Stagehand} stage @param {(p: any) => void} onBroken */
  constructor(session, stage, onBroken) {
    super(session, stage, onBroken, 'fragments')
    this.start0 = 0
    /** @type {Uint8Array<ArrayBuffer>[]} */
    this.queue = []
    this.screen = stage.packed ? new Screen(true) : null
    this.media = new MediaSource()
    this.address = URL.createObjectURL(this.media)
    stage.playElement(this.address)
    stage.present(this.screen ? this.screen.canvas : stage.video)
    this.#watch()
  }

  close() {
    super.close()
    this.stage.video.removeAttribute('src')
    this.stage.video.load()
    URL.revokeObjectURL(this.address)
  }

  heardTick() {
    return this.start0 + this.stage.video.currentTime * 1000 * TICKS_PER_MS
  }

  /** What was cut is jumped over. @param {number} tick */
  cut(tick) {
    const { video } = this.stage
    const to = (tick - this.start0) / (1000 * TICKS_PER_MS)
    const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0
    if (to > video.currentTime && to < end) video.currentTime = to
  }

  /** @param {any} about */
  configure(about) {
    this.start0 = about.start
    const type = `video/mp4; codecs="${about.codec}, ${about.sound === 'opus' ? 'opus' : 'mp4a.40.2'}"`
    const open = () => {
      this.buffer = this.media.addSourceBuffer(type)
      this.buffer.onupdateend = () => this.#feed()
      this.buffer.onerror = () => this.onBroken(new PathError('cannotPlay'))
      this.#feed()
    }
    if (this.media.readyState === 'open') open()
    else this.media.addEventListener('sourceopen', open, { once: true })
  }

  /** @param {import('./player-socket.js').Packet} packet */
  play(packet) {
    this.queue.push(packet.body)
    this.#feed()
  }

  #feed() {
    const { buffer } = this
    const { video } = this.stage
    if (!buffer || buffer.updating || !this.queue.length || this.closed) return
    const ranges = video.buffered
    if (ranges.length && video.currentTime - ranges.start(0) > 2 * KEPT) {
      buffer.remove(0, video.currentTime - KEPT)
      return
    }
    buffer.appendBuffer(joined(this.queue.splice(0)))
    if (!ranges.length) return
    const end = ranges.end(ranges.length - 1)
    const ahead = end - video.currentTime
    if (ahead > FAR) video.currentTime = end - NEAR
    else video.playbackRate = ahead > 2 * NEAR ? 1.05 : 1
    if (video.paused) video.play().catch(() => {})
  }

  #watch() {
    const { video } = this.stage
    if (this.closed || !video.requestVideoFrameCallback) return
    video.requestVideoFrameCallback((now, about) => {
      if (this.closed) return
      this.screen?.draw(video, video.videoWidth, video.videoHeight)
      const tick = this.start0 + about.mediaTime * 1000 * TICKS_PER_MS
      this.stage.shown({ tick, received: now, shown: about.expectedDisplayTime })
      this.#watch()
    })
  }
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
function joined(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
