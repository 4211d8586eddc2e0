/**
 * What travels between the page's modules, for readers and type checkers. No code.
 *
 * @typedef {{type: string, tick?: number, [more: string]: any}} ServerEvent  what the server says; ticks of 1/48000 s
 * @typedef {{source: string, place: string, quote: string}} Citation
 * @typedef {{avatar?: string, voice?: string, language?: string, background?: string, alpha?: boolean,
 *   persona?: string, visitor?: string,
 *   hearing?: {language?: string, hands_free?: boolean}, face?: Record<string, number|string>}} Wish  of a session
 * @typedef {{id: string, size: [number, number], fps: number, persona: {name: string, greeting: string},
 *   hearing: {backend: string, languages: string[], note: string}, voice: string, language: string,
 *   ice_servers: RTCIceServer[], webrtc?: boolean, alpha?: boolean, memory?: string}} SessionInfo
 * @typedef {'starting'|'connecting'|'live'|'retrying'|'refused'|'token'} Phase
 * @typedef {{phase: Phase, path: ''|'webrtc'|'socket', reason: string, detail: string, seconds: number}} Status
 *   reason: a key of the page's words. detail: the server's own sentence, "" = none. seconds: until the next attempt
 * @typedef {{tick: number|null, received: number, shown: number}} FrameShown  ms of performance.now()
 *
 * A way for pictures and sound to come in: WebRTC, or one of two over a WebSocket.
 * @typedef {object} Player
 * @property {() => Promise<void>} start  resolves when it is connected; throws PathError
 * @property {() => void} close
 * @property {() => number|null} heardTick  the tick that is heard now
 * @property {(tick: number) => void} cut  nothing before this tick is played any more
 * @property {(stream: MediaStream|null) => Promise<void>} microphone
 * @property {(ms: number) => void} setPictureDelay
 */

/** A path for pictures and sound that does not come about, or broke. reason: a key of the page's words. */
export class PathError extends Error {
  /** @param {string} reason @param {string} [detail] */
  constructor(reason, detail = '') {
    super(detail || reason)
    this.reason = reason
    this.detail = detail
  }
}
