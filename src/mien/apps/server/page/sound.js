/** Everything that is heard passes here: one gain that can be cut, one ear that says when there was sound. */

const FADE = 0.01 // seconds: no click
const LOUD = 0.004
const QUIET_MS = 80
const LOOK_MS = 20
const HELD_MS = 350 // longer than anything that still waits in a jitter buffer

/** The page's loudspeaker. Events: "ready" when sound may play, "onset" {at}, "silence" {at} (ms of performance.now()). */
export class Sound extends EventTarget {
  constructor() {
    super()
    this.context = new AudioContext({ sampleRate: 48000, latencyHint: 'interactive' })
    this.input = this.context.createGain()
    this.volume = this.context.createGain()
    this.ear = this.context.createAnalyser()
    this.ear.fftSize = 4096
    this.input.connect(this.volume).connect(this.context.destination)
    this.volume.connect(this.ear)
    this.#samples = new Float32Array(this.ear.fftSize)
    this.context.onstatechange = () => this.dispatchEvent(new Event('ready'))
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  #samples
  #timer
  #lastLoud = -Infinity
  #loud = false
  #heldUntil = 0
  #aloud = true

  /** Whether the browser lets sound play yet. */
  get on() {
    return this.context.state === 'running'
  }

  /** Whether something is audible now. */
  get loud() {
    return this.#loud
  }

  /** ms from a sample's turn in the context to the ear. */
  get latency() {
    const reported = this.context.outputLatency || this.context.baseLatency || 0
    return 1000 * Math.min(reported, 0.5)
  }

  /** Whether it is heard here. @param {boolean} wanted */
  aloud(wanted) {
    if (wanted === this.#aloud) return
    this.#aloud = wanted
    if (wanted) this.volume.connect(this.context.destination)
    else this.volume.disconnect(this.context.destination)
  }

  /** To be called in a click or key press: browsers ask for one. */
  async wake() {
    if (!this.on) await this.context.resume().catch(() => {})
  }

  /** Silence now, whatever is still on its way. */
  cut() {
    const now = this.context.currentTime
    this.#heldUntil = performance.now() + HELD_MS
    this.volume.gain.cancelScheduledValues(now)
    this.volume.gain.setValueAtTime(this.volume.gain.value, now)
    this.volume.gain.linearRampToValueAtTime(0, now + FADE)
    this.volume.gain.setValueAtTime(1, now + HELD_MS / 1000)
  }

  /** Something new is on its way, so let it be heard. early: ms by which it comes before it sounds. */
  restore(early = 0) {
    if (performance.now() >= this.#heldUntil) return
    const now = this.context.currentTime
    const wait = Math.max(FADE, early / 1000)
    this.#heldUntil = 0
    this.volume.gain.cancelScheduledValues(now + wait)
    this.volume.gain.setValueAtTime(1, now + wait)
  }

  close() {
    clearInterval(this.#timer)
    this.context.close().catch(() => {})
  }

  #look() {
    if (!this.on) return
    this.ear.getFloatTimeDomainData(this.#samples)
    const end = performance.now()
    const rate = this.context.sampleRate / 1000
    const from = Math.max(0, this.#samples.length - Math.ceil((LOOK_MS + 40) * rate))
    let first = -1
    let last = -1
    for (let n = from; n < this.#samples.length; n++) {
      if (Math.abs(this.#samples[n]) < LOUD) continue
      if (first < 0) first = n
      last = n
    }
    const moment = (/** @type {number} */ n) => end - (this.#samples.length - n) / rate + this.latency
    if (last >= 0) {
      if (!this.#loud) this.#tell('onset', moment(first))
      this.#loud = true
      this.#lastLoud = moment(last)
    } else if (this.#loud && end - this.#lastLoud > QUIET_MS) {
      this.#loud = false
      this.#tell('silence', this.#lastLoud)
    }
  }

  /** @param {string} type @param {number} at */
  #tell(type, at) {
    this.dispatchEvent(new CustomEvent(type, { detail: { at } }))
  }
}
