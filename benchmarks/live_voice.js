// Runs before the page's own code. Keeps, each millisecond, how loud the microphone and the loudspeaker are, and which
// numbered picture is shown when: all in ms of performance.now().
const kept = { microphone: [], speaker: [], clock: [], pictures: [], presented: [], events: [], arrivals: [] }
let taken = { microphone: 0 }

const TAP = `registerProcessor('bench-tap', class extends AudioWorkletProcessor {
  constructor() { super(); this.peaks = []; this.peak = 0; this.count = 0 }
  process([[samples]]) {
    for (let n = 0; n < 128; n++) {
      this.peak = Math.max(this.peak, samples ? Math.abs(samples[n]) : 0)
      if (++this.count === 48) { this.peaks.push(this.peak); this.peak = 0; this.count = 0 }
    }
    if (this.peaks.length >= 40) this.port.postMessage([currentFrame + 128 - this.count, this.peaks.splice(0)])
    return true
  }
})`

// The microphone as the page gets it: after the browser's echo cancellation, before WebRTC.
const original = MediaDevices.prototype.getUserMedia
MediaDevices.prototype.getUserMedia = async function (...wish) {
  const stream = await original.apply(this, wish)
  hear(stream.getAudioTracks()[0].clone())
  return stream
}

async function hear(track) {
  kept.latency = track.getSettings().latency ?? 0
  kept.settings = track.getSettings()
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 2000 }).readable.getReader()
  let rest = new Float32Array(0)
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const now = performance.now()
    const samples = new Float32Array(rest.length + value.numberOfFrames)
    samples.set(rest)
    value.copyTo(samples.subarray(rest.length), { planeIndex: 0, format: 'f32-planar' })
    // [ms of sound that came before this block, the browser's time stamp of it in ms, when it was here]
    kept.arrivals.push([taken.microphone + rest.length / 48, value.timestamp / 1000, now])
    value.close()
    const whole = Math.floor(samples.length / 48)
    for (let ms = 0; ms < whole; ms++) {
      let peak = 0
      for (let n = ms * 48; n < ms * 48 + 48; n++) peak = Math.max(peak, Math.abs(samples[n]))
      kept.microphone.push(peak)
    }
    taken.microphone += whole
    rest = samples.slice(whole * 48)
  }
}

async function listen() {
  const { sound, place } = mien.stage
  const { context } = sound
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: 'text/javascript' })))
  const tap = new AudioWorkletNode(context, 'bench-tap', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' })
  sound.volume.connect(tap)
  tap.port.onmessage = ({ data: [frame, peaks] }) => {
    const { contextTime, performanceTime } = context.getOutputTimestamp()
    kept.speaker.push([frame / 48, peaks]) // the context's ms behind the last of these
    kept.clock.push([1000 * contextTime, performanceTime, 1000 * context.currentTime, performance.now(), 1000 * context.outputLatency])
  }
  const code = new OffscreenCanvas(64, 4).getContext('2d', { willReadFrequently: true })
  mien.stage.addEventListener('shown', ({ detail }) => {
    const shown = place.firstElementChild
    const width = shown.videoWidth || shown.width
    if (!width) return
    code.drawImage(shown, 0, 4, width, 16, 0, 0, 64, 4)
    const { data } = code.getImageData(0, 0, 64, 4)
    let number = 0
    for (let bit = 0; bit < 16; bit++) number = number * 2 + (data[4 * (64 * 2 + bit * 4 + 2)] > 128 ? 1 : 0)
    kept.pictures.push([number, detail.shown])
  })
  if (place.firstElementChild === mien.stage.video) count(mien.stage.video)
  mien.link.addEventListener('event', ({ detail }) => kept.events.push([performance.now(), detail]))
}

// The compositor's own count: callbacks are left out where the page's thread is late, pictures are not.
function count(video) {
  video.requestVideoFrameCallback((now, about) => {
    kept.presented.push([about.presentedFrames, about.presentationTime])
    count(video)
  })
}

window.bench = {
  listen,
  // What came since the last call.
  take: () => {
    const given = { ...kept }
    for (const key of ['microphone', 'speaker', 'clock', 'pictures', 'presented', 'events', 'arrivals']) kept[key] = []
    return given
  },
}
