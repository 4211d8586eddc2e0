/** The studio's part of the server's REST interface. */

import { call, exchange, picture } from './api.js'
import { say } from './words.js'

/** @typedef {{line: number, column: number, field: string, message: string}} Problem */
/** @typedef {{file: string, kind: string, size: number, changed: string}} Asset */
/** @typedef {{op: 'set'|'remove'|'insert'|'move', field: string, value?: any, to?: number}} Change */

const PATIENCE = 180000

/** @param {string} name @param {string} [more] */
function at(name, more = '') {
  return `api/studio/projects/${encodeURIComponent(name)}${more}`
}

export const api = {
  offer: () => call('GET', 'api/studio'),
  projects: () => call('GET', 'api/studio/projects').then((answer) => answer.projects),
  /** @param {object} wish */
  create: (wish) => exchange('POST', 'api/studio/projects', wish, { signal: AbortSignal.timeout(PATIENCE) }).then((answer) => answer.json()),
  /** @param {string} name */
  read: (name) => call('GET', at(name)),
  /** @param {string} name */
  picture: (name) => picture(at(name, '/picture')),
  /** @param {string} name @param {string} text @param {string} version */
  write: (name, text, version) => exchange('PUT', at(name), { text }, { headers: { 'If-Match': `"${version}"` } }).then((answer) => answer.json()),
  /** @param {string} name */
  remove: (name) => call('DELETE', at(name)),
  /** @param {string} name @param {string} text @param {Change[]} changes */
  edit: (name, text, changes) => call('POST', at(name, '/edit'), { text, changes }),
  /** @param {string} name @param {string} text @param {AbortSignal} signal */
  check: (name, text, signal) => exchange('POST', at(name, '/check'), { text }, { signal }).then((answer) => answer.json()),
  /** @param {string} name @param {object} wish @param {AbortSignal} signal */
  still: (name, wish, signal) => exchange('POST', at(name, '/still'), wish, { signal }).then(shown),
  /** @param {string} name @param {string} text */
  sheet: (name, text) => exchange('POST', at(name, '/sheet'), { text }, { signal: AbortSignal.timeout(PATIENCE) }).then(shown),
  /** A small film. @param {string} name @param {object} wish @param {AbortSignal} signal */
  draft: (name, wish, signal) => exchange('POST', at(name, '/draft'), wish, { signal }).then((answer) => answer.blob()).then((film) => URL.createObjectURL(film)),
  /** @param {string} name */
  assets: (name) => call('GET', at(name, '/assets')),
  /** @param {string} name @param {string} file */
  removeAsset: (name, file) => call('DELETE', at(name, `/assets/file?file=${encodeURIComponent(file)}`)),
  /** @param {string} name @param {string} file */
  thumbnail: (name, file) => picture(at(name, `/assets/picture?file=${encodeURIComponent(file)}`)),
  /** @param {string} name @param {object} wish */
  announce: (name, wish) => call('POST', at(name, '/uploads'), wish),
  /** @param {string} id */
  uploaded: (id) => call('GET', `api/studio/uploads/${id}`),
  /** @param {string} id @param {Blob} piece @param {number} offset @param {AbortSignal} signal */
  put: (id, piece, offset, signal) => exchange('PATCH', `api/studio/uploads/${id}`, piece, { headers: { 'Upload-Offset': String(offset), 'Content-Type': 'application/octet-stream' }, signal }).then((answer) => answer.json()),
  /** @param {string} id */
  drop: (id) => call('DELETE', `api/studio/uploads/${id}`),
  films: () => call('GET', 'api/studio/films').then((answer) => answer.films),
  /** @param {string} name @param {object} wish */
  render: (name, wish) => exchange('POST', at(name, '/films'), wish, { signal: AbortSignal.timeout(PATIENCE) }).then((answer) => answer.json()),
  /** @param {string} id */
  removeFilm: (id) => call('DELETE', `api/studio/films/${id}`),
  /** @param {string} id */
  log: (id) => call('GET', `api/studio/films/${id}/log`),
  /** @param {string} id */
  retry: (id) => call('POST', `api/studio/films/${id}/retry`),
  /** @param {string} id @param {object} wish */
  decide: (id, wish) => call('POST', `api/studio/films/${id}/decision`, wish),
  voices: () => call('GET', 'api/voices').then((answer) => answer.voices ?? answer),
}

/** A picture as an address, and what is told of it. @param {Response} answer */
async function shown(answer) {
  const about = { seconds: Number(answer.headers.get('X-Seconds') ?? 0), at: Number(answer.headers.get('X-At') ?? 0) }
  return { ...about, url: URL.createObjectURL(await answer.blob()) }
}

/** An error in the visitor's language. @param {any} error */
export function told(error) {
  if (error?.code === 'unreachable') return say('serverAway')
  return error?.sentence ?? String(error?.message ?? error)
}
