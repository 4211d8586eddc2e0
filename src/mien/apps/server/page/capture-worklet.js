/** The microphone in messages of 20 ms, int16 at 48 kHz mono. Runs in the audio thread. */

const MESSAGE = 960

class Capture extends AudioWorkletProcessor {
  constructor() {
    super()
    this.samples = new Int16Array(MESSAGE)
    this.count = 0
    this.over = false
    this.port.onmessage = () => {
      this.over = true
    }
  }

  /** @param {Float32Array[][]} inputs */
  process([[input]]) {
    for (const sample of input ?? []) {
      this.samples[this.count++] = Math.max(-1, Math.min(1, sample)) * 32767
      if (this.count === MESSAGE) {
        this.port.postMessage(this.samples.slice())
        this.count = 0
      }
    }
    return !this.over
  }
}

registerProcessor('capture', Capture)
