/** The server's REST interface and the addresses of its sockets. The token stays in this module's memory. */

import { explained } from './words.js'

const SAVING_MS = 3600000 // a whole film, over a slow line

const base = new URL('.', document.baseURI)
let token = takeToken()

/** A refusal by the server, or none reached. code: of the server, "" = unknown. status: of HTTP, 0 = not reached. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {string} [hint] */
  constructor(status, code, message, hint = '') {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
  }

  /** What it means, in the visitor's language. */
  get sentence() {
    return explained(this)
  }
}

/** @param {string} given */
export function setToken(given) {
  token = given.trim()
}

/**
 * Ask the server. Throws ApiError.
 * @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>}
 */
export async function call(method, path, body) {
  const response = await request(method, path, body)
  const text = await response.text()
  const parsed = parse(text)
  if (!response.ok) throw refusal(response.status, parsed, text)
  return parsed
}

/** Send a file as it is. Throws ApiError. @param {string} path @param {Blob} file */
export async function send(path, file) {
  const response = await request('POST', path, file)
  if (!response.ok) {
    const text = await response.text()
    throw refusal(response.status, parse(text), text)
  }
}

/**
 * Ask the server in any way, for any kind of answer. Throws ApiError.
 * @param {string} method @param {string} path @param {object|Blob} [body]
 * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [more] @returns {Promise<Response>}
 */
export async function exchange(method, path, body, more = {}) {
  const response = await request(method, path, body, more)
  if (response.ok) return response
  const text = await response.text()
  throw refusal(response.status, parse(text), text)
}

/** A picture as an address that an <img> can show. @param {string} path @param {number} [ms] that it may take @returns {Promise<string>} */
export async function picture(path, ms = 60000) {
  const response = await request('GET', path, undefined, { signal: AbortSignal.timeout(ms) })
  if (!response.ok) throw new ApiError(response.status, '', `${path}: ${response.status}`)
  return URL.createObjectURL(await response.blob())
}

/** An address from which a link can save something. @param {string} path of the server, as it names it */
export async function saved(path) {
  return token ? picture(path.replace(/^\//, ''), SAVING_MS) : new URL(path.replace(/^\//, ''), base).href
}

/** The address of a WebSocket. @param {string} path @param {Record<string, string>} [query] */
export function socketAddress(path, query = {}) {
  const url = new URL(path, base)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  if (token) url.searchParams.set('token', token)
  return url.href
}

/** Leave a session when the page goes away: a request that outlives it. @param {string} path */
export function farewell(path) {
  fetch(new URL(path, base), { method: 'DELETE', headers: headers(), keepalive: true }).catch(() => {})
}

/** @param {string} method @param {string} path @param {object} [body] @param {{headers?: Record<string, string>, signal?: AbortSignal}} [more] */
async function request(method, path, body, more = {}) {
  try {
    return await fetch(new URL(path, base), {
      method,
      headers: { ...headers(body !== undefined && !(body instanceof Blob)), ...more.headers },
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      signal: more.signal ?? AbortSignal.timeout(60000),
    })
  } catch (error) {
    if (more.signal?.aborted) throw error
    throw new ApiError(0, 'unreachable', String(error))
  }
}

/** @param {boolean} [json] */
function headers(json = false) {
  /** @type {Record<string, string>} */
  const out = {}
  if (json) out['Content-Type'] = 'application/json'
  if (token) out.Authorization = `Bearer ${token}`
  return out
}

/** @param {string} text */
function parse(text) {
  try {
    return text ? JSON.parse(text) : {}
  } catch {
    return null
  }
}

/** @param {number} status @param {any} parsed @param {string} text */
function refusal(status, parsed, text) {
  const said = parsed?.error ?? parsed?.detail ?? parsed ?? {}
  const message = typeof said === 'string' ? said : said.message ?? (parsed ? '' : text.slice(0, 200))
  return new ApiError(status, said.code ?? '', message, said.hint ?? '')
}

/** The token of the first load; it leaves the address bar and the history at once. */
function takeToken() {
  const url = new URL(location.href)
  const found = url.searchParams.get('token') ?? ''
  if (url.searchParams.has('token')) {
    url.searchParams.delete('token')
    history.replaceState(null, '', url)
  }
  return found
}
