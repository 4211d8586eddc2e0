/** What every way of playing shares: the element that shows, the loudspeaker, the clock, and who is told of pictures. */

import { TickClock } from './clock.js'
import { Sound } from './sound.js'

/** Events: "shown" {tick, received, shown} for each picture, "cut" {tick}. */
export class Stagehand extends EventTarget {
  /** @param {HTMLElement} place  where the picture goes @param {boolean} packed  colour above alpha */
  constructor(place, packed) {
    super()
    this.place = place
    this.packed = packed
    this.sound = new Sound()
    this.clock = new TickClock()
    this.frames = 0
    this.skew = /** @type {number|null} */ (null) // ms by which the picture is later than the sound
    this.video = this.#newVideo()
  }

  /** Put what shows the picture into its place. @param {HTMLElement} element */
  present(element) {
    if (this.place.firstElementChild === element && this.place.childElementCount === 1) return
    this.place.replaceChildren(element)
  }

  /** Let go of the last player's element, for a media element can be tapped for sound only once. */
  renew() {
    this.tapped?.disconnect()
    this.tapped = undefined
    this.video.srcObject = null
    this.video = this.#newVideo()
    this.clock.reset()
    this.skew = null
  }

  /** Play an address, with sound through the loudspeaker. @param {string} address */
  playElement(address) {
    this.video.muted = false
    this.tapped = this.sound.context.createMediaElementSource(this.video)
    this.tapped.connect(this.sound.input)
    this.video.src = address
  }

  /** @param {import('./types.js').FrameShown} frame */
  shown(frame) {
    this.frames += 1
    this.dispatchEvent(new CustomEvent('shown', { detail: frame }))
  }

  /** The server says that what was said before this tick is over. @param {number} tick */
  cutBy(tick) {
    this.dispatchEvent(new CustomEvent('cut', { detail: { tick } }))
  }

  #newVideo() {
    const video = document.createElement('video')
    video.playsInline = true
    video.autoplay = true
    video.muted = true
    video.disablePictureInPicture = true
    return video
  }
}
