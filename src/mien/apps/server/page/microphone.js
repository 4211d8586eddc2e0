/** The visitor's microphone: asked for when it is wanted, with echo and noise taken away by the browser. */

/** Events: "change" when it goes on or off, "level" {level} 0…1 while it is on. */
export class Microphone extends EventTarget {
  /** @param {import('./sound.js').Sound} sound */
  constructor(sound) {
    super()
    this.sound = sound
    /** @type {MediaStream|null} */
    this.stream = null
  }

  /** Why it cannot be had here at all: a key of the words, "" = it can be asked for. */
  static get obstacle() {
    return navigator.mediaDevices ? '' : 'micNeedsHttps'
  }

  get on() {
    return this.stream !== null
  }

  /** Ask for it. Throws an Error whose message is a key of the words. */
  async open() {
    if (this.stream) return
    if (Microphone.obstacle) throw new Error(Microphone.obstacle)
    try {
      const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
      this.stream = await navigator.mediaDevices.getUserMedia({ audio })
    } catch (error) {
      const { name } = /** @type {Error} */ (error)
      throw new Error(name === 'NotAllowedError' ? 'micDenied' : name === 'NotFoundError' ? 'micMissing' : 'micBroken')
    }
    this.stream.getAudioTracks()[0].onended = () => this.close()
    this.#measure(this.stream)
    this.dispatchEvent(new Event('change'))
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop()
    this.stream = null
    clearInterval(this.timer)
    this.source?.disconnect()
    this.dispatchEvent(new Event('change'))
  }

  /** @param {MediaStream} stream */
  #measure(stream) {
    const { context } = this.sound
    const ear = context.createAnalyser()
    ear.fftSize = 1024
    const samples = new Float32Array(ear.fftSize)
    try {
      this.source = context.createMediaStreamSource(stream)
    } catch {
      return // Firefox joins no streams of another rate: then there is no level, but there is sound
    }
    this.source.connect(ear)
    this.timer = setInterval(() => {
      ear.getFloatTimeDomainData(samples)
      const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length
      const level = Math.max(0, Math.min(1, 1 + Math.log10(power + 1e-9) / 5))
      this.dispatchEvent(new CustomEvent('level', { detail: { level } }))
    }, 60)
  }
}
