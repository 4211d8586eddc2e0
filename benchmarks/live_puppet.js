// Runs before the page's own code. Keeps when the microphone and the loudspeaker begin to sound, and what every picture
// that is shown says of itself: its number and how far the jaw is open. All in ms of performance.now().
const kept = { microphone: [], speaker: [], pictures: [], lag: Infinity }
const [LOUD, QUIET] = [0.05, 9600] // of full scale; samples of quiet between two bursts

// The microphone as the page gets it: after the browser's echo cancellation, before WebRTC.
const original = MediaDevices.prototype.getUserMedia
MediaDevices.prototype.getUserMedia = async function (...wish) {
  const stream = await original.apply(this, wish)
  hear(stream.getAudioTracks()[0].clone())
  return stream
}

async function hear(track) {
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader()
  let quiet = 0
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const samples = new Float32Array(value.numberOfFrames)
    value.copyTo(samples, { planeIndex: 0, format: 'f32-planar' })
    kept.lag = Math.min(kept.lag, performance.now() - value.timestamp / 1000)
    for (let n = 0; n < samples.length; n++) {
      if (Math.abs(samples[n]) < LOUD) { quiet++; continue }
      if (quiet > QUIET) kept.microphone.push(value.timestamp / 1000 + (1000 * n) / value.sampleRate)
      quiet = 0
    }
    value.close()
  }
}

const TAP = `registerProcessor('bench-tap', class extends AudioWorkletProcessor {
  constructor() { super(); this.quiet = 0 }
  process([[samples]]) {
    for (let n = 0; n < 128; n++) {
      if (!samples || Math.abs(samples[n]) < ${LOUD}) { this.quiet++; continue }
      if (this.quiet > ${QUIET}) this.port.postMessage((currentFrame + n) / sampleRate)
      this.quiet = 0
    }
    return true
  }
})`

async function listen() {
  const { sound, place } = mien.stage
  const { context } = sound
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: 'text/javascript' })))
  const tap = new AudioWorkletNode(context, 'bench-tap', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' })
  sound.input.connect(tap) // before the page's own switch for hearing oneself
  tap.port.onmessage = ({ data }) => {
    const { contextTime, performanceTime } = context.getOutputTimestamp()
    kept.speaker.push(performanceTime + 1000 * (data - contextTime))
  }
  const code = new OffscreenCanvas(96, 4).getContext('2d', { willReadFrequently: true })
  mien.stage.addEventListener('shown', ({ detail }) => {
    const shown = place.firstElementChild
    const width = shown.videoWidth || shown.width
    if (!width) return
    code.drawImage(shown, 0, 4, width, 16, 0, 0, 96, 4)
    const { data } = code.getImageData(0, 0, 96, 4)
    const bit = (at) => (data[4 * (96 * 2 + at * 4 + 2)] > 128 ? 1 : 0)
    let [number, jaw] = [0, 0]
    for (let at = 0; at < 16; at++) number = number * 2 + bit(at)
    for (let at = 16; at < 24; at++) jaw = jaw * 2 + bit(at)
    kept.pictures.push([number, jaw / 255, detail.shown])
  })
}

window.bench = { listen, kept }
