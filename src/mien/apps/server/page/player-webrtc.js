/** Pictures and sound by WebRTC: the quickest way, where UDP gets through. */

import { call } from './api.js'
import { Screen } from './screen.js'
import { PathError } from './types.js'

const PATIENCE = 2000 // ms from the offer to a connection
const GATHERING = 1000
const LOST = 2000
const STALLED = 2200 // ms without a packet, of which there are 75 a second also in silence; browsers take 8000 to say so
const STATS = 500
const AFTER = 8 // ms that sound takes between the jitter buffer and the audio context
const SOONER = 28 // ms by which the browser shows a picture before the time it is asked to wait is over
const MOST_HELD = 400

/** @implements {Player} @typedef {import('./types.js').Player} Player */
export class WebRtcPlayer {
  /**
   * @param {import('./types.js').SessionInfo} session
   * @param {import('./stagehand.js').Stagehand} stage  where things are shown, heard and counted
   * @param {(problem: PathError) => void} onBroken  after it was connected
   */
  constructor(session, stage, onBroken) {
    this.session = session
    this.stage = stage
    this.onBroken = onBroken
    this.peer = new RTCPeerConnection({ iceServers: session.ice_servers ?? [], bundlePolicy: 'max-bundle' })
    this.delay = 110 // ms between arrival and ear, measured below
    this.closed = false
    this.alone = 'jitterBufferTarget' in RTCRtpReceiver.prototype
    this.pictureDelay = 0
    /** @type {{at: number, frame: VideoFrame}[]} */
    this.held = []
    /** @type {Screen|null} */
    this.screen = null
    /** @type {number[]} */
    this.timers = []
    /** @type {Record<string, {count: number, delay: number, least: number}>} */
    this.seen = {}
    /** @type {Record<string, {now: number, least: number}>} */
    this.waits = {}
    this.packets = 0
    this.flowed = this.looked = performance.now()
  }

  async start() {
    const { peer } = this
    this.voice = peer.addTransceiver('audio', { direction: 'sendrecv' })
    peer.addTransceiver('video', { direction: 'recvonly' })
    const channel = peer.createDataChannel('mien')
    channel.onmessage = ({ data }) => this.#told(JSON.parse(data))
    peer.ontrack = (event) => this.#take(event)
    const connected = this.#connected()
    await peer.setLocalDescription()
    if (this.session.ice_servers?.length) await this.#gathered()
    const { type, sdp } = /** @type {RTCSessionDescription} */ (peer.localDescription)
    const answer = await Promise.race([call('POST', `api/sessions/${this.session.id}/offer`, { type, sdp }), connected])
    await peer.setRemoteDescription(this.alone ? apart(answer) : answer)
    await connected
    this.timers.push(setInterval(() => this.#measure(), STATS))
    this.#watch()
  }

  close() {
    this.closed = true
    for (const timer of this.timers) clearInterval(timer)
    this.source?.disconnect()
    this.peer.close()
    for (const { frame } of this.held.splice(0)) frame.close()
  }

  heardTick() {
    return this.stage.clock.tick(performance.now() - this.delay)
  }

  /** The loudspeaker is silent already; what is on its way is at most what the jitter buffer holds. */
  cut() {}

  /** @param {MediaStream|null} stream */
  async microphone(stream) {
    await this.voice?.sender.replaceTrack(stream?.getAudioTracks()[0] ?? null)
  }

  /** @param {number} ms */
  setPictureDelay(ms) {
    this.pictureDelay = ms
    this.#arrange()
  }

  #connected() {
    const { peer } = this
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new PathError('udpBlocked')), PATIENCE)
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === 'connected') {
          clearTimeout(timer)
          clearTimeout(this.lost)
          resolve(undefined)
        } else if (peer.connectionState === 'failed') {
          clearTimeout(timer)
          reject(new PathError('udpBlocked'))
          this.#broken()
        } else if (peer.connectionState === 'disconnected') {
          this.lost = setTimeout(() => this.#broken(), LOST)
        }
      }
    })
  }

  #broken() {
    if (!this.closed) this.onBroken(new PathError('udpLost'))
  }

  #gathered() {
    const { peer } = this
    return new Promise((resolve) => {
      if (peer.iceGatheringState === 'complete') resolve(undefined)
      peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && resolve(undefined)
      setTimeout(resolve, GATHERING)
    })
  }

  /** @param {RTCTrackEvent} event */
  #take({ receiver, track }) {
    if (track.kind === 'audio') this.sounds = receiver
    else this.pictures = receiver
    hold(receiver, track.kind === 'audio' ? 0 : this.delay + SOONER)
    const { video, sound } = this.stage
    const stream = /** @type {MediaStream} */ (video.srcObject ?? new MediaStream())
    stream.addTrack(track)
    video.muted = true // the sound takes its own way, where it can be cut at once
    video.srcObject = stream
    video.play().catch(() => {})
    if (track.kind === 'audio') {
      this.source = sound.context.createMediaStreamSource(new MediaStream([track]))
      this.source.connect(sound.input)
    } else this.#arrange()
  }

  /** Show the video itself, or a canvas where pictures must be put together or held back. */
  #arrange() {
    const drawn = this.stage.packed || this.pictureDelay > 0
    if (drawn) this.screen ??= new Screen(this.stage.packed)
    this.stage.present(drawn && this.screen ? this.screen.canvas : this.stage.video)
  }

  #watch() {
    const { video } = this.stage
    if (this.closed) return
    if (!video.requestVideoFrameCallback) return
    video.requestVideoFrameCallback((now, about) => {
      const received = about.receiveTime ?? now
      const shown = about.expectedDisplayTime + this.pictureDelay
      if (this.pictureDelay > 0) this.#keep(now + this.pictureDelay)
      else if (this.screen) this.screen.draw(video, video.videoWidth, video.videoHeight)
      this.stage.shown({ tick: null, received, shown })
      this.#watch()
    })
  }

  /** @param {number} at */
  #keep(at) {
    this.held.push({ at, frame: new VideoFrame(this.stage.video) })
    while (this.held.length > 60) this.held.shift()?.frame.close()
    if (this.held.length === 1) requestAnimationFrame(() => this.#release())
  }

  #release() {
    while (this.held.length && this.held[0].at <= performance.now() + 8) {
      const { frame } = /** @type {{frame: VideoFrame}} */ (this.held.shift())
      this.screen?.draw(frame, frame.displayWidth, frame.displayHeight)
      frame.close()
    }
    if (this.held.length && !this.closed) requestAnimationFrame(() => this.#release())
  }

  /** How long sound and picture wait in the browser. */
  async #measure() {
    let packets = 0
    for (const one of (await this.peer.getStats()).values()) {
      if (one.type !== 'inbound-rtp') continue
      packets += one.packetsReceived
      if (one.jitterBufferEmittedCount) this.waits[one.kind] = this.#waited(one)
    }
    this.#flows(packets)
    const { audio, video } = this.waits
    if (!audio) return
    const { latency } = this.stage.sound
    this.delay = audio.now + AFTER + latency
    if (!video) return
    this.stage.skew = video.now - this.delay
    if (!this.alone) return
    if (this.pictures) hold(this.pictures, this.delay + SOONER)
    if (this.sounds) hold(this.sounds, Math.max(0, video.least - latency - AFTER))
  }

  /** @param {number} packets  so far */
  #flows(packets) {
    const now = performance.now()
    if (packets !== this.packets || now - this.looked > STALLED / 2) this.flowed = now // or the page itself had stopped
    this.packets = packets
    this.looked = now
    if (now - this.flowed > STALLED) this.#broken()
  }

  /**
   * ms that one kind waited in its jitter buffer since the last look, and the least that it could.
   * @param {Record<string, any>} sum  since the beginning */
  #waited({ kind, jitterBufferEmittedCount: count, jitterBufferDelay: delay, jitterBufferMinimumDelay: least = 0 }) {
    const before = this.seen[kind] ?? { count: 0, delay: 0, least: 0 }
    this.seen[kind] = { count, delay, least }
    const one = 1000 / Math.max(1, count - before.count)
    return { now: one * (delay - before.delay), least: one * (least - before.least) }
  }

  /** @param {{type: string, tick?: number}} message */
  #told(message) {
    if (message.type === 'cut') this.stage.cutBy(message.tick ?? 0)
  }
}

/** @param {RTCRtpReceiver} receiver @param {number} ms that it shall wait at least */
function hold(receiver, ms) {
  const wanted = Math.round(Math.min(MOST_HELD, ms))
  if ('jitterBufferTarget' in receiver && receiver.jitterBufferTarget !== wanted) receiver.jitterBufferTarget = wanted
}

/**
 * The answer with the picture in a stream of its own. Tracks of one stream the browser brings together itself, but it
 * does not know how late our loudspeaker is, so what is left to it is left apart. @param {RTCSessionDescriptionInit} answer */
function apart({ type, sdp = '' }) {
  const [head, ...media] = sdp.split(/(?=^m=)/m)
  const named = media.map((one) => (one.startsWith('m=video') ? one.replace(/^(a=(?:ssrc:\d+ )?msid:)(\S+)/gm, '$1$2-picture') : one))
  return { type, sdp: head + named.join('') }
}
