/** Where pictures are shown: a canvas, when they must be put together or held back; else the video element itself. */

const VERTEX = `attribute vec2 corner; varying vec2 at;
void main() { at = corner * 0.5 + 0.5; gl_Position = vec4(corner, 0.0, 1.0); }`
// Colour (already times alpha) above, alpha below. The samples stay half a row inside their halves.
const FRAGMENT = `precision mediump float; varying vec2 at; uniform sampler2D picture; uniform float row;
void main() {
  float y = clamp(1.0 - at.y, row, 1.0 - row) * 0.5;
  float alpha = clamp((texture2D(picture, vec2(at.x, 0.5 + y)).g - 0.008) * 1.016, 0.0, 1.0);
  gl_FragColor = vec4(min(texture2D(picture, vec2(at.x, y)).rgb, vec3(alpha)), alpha);
}`

/** Draws pictures into a canvas of its own. packed: colour above alpha. */
export class Screen {
  /** @param {boolean} packed */
  constructor(packed) {
    this.canvas = document.createElement('canvas')
    this.packed = packed
    const gl = packed ? this.canvas.getContext('webgl', { premultipliedAlpha: true, alpha: true, antialias: false }) : null
    this.#gl = gl && setUp(gl)
    this.#plain = this.#gl ? null : this.canvas.getContext('2d', { willReadFrequently: packed })
  }

  #gl
  #plain
  /** @type {OffscreenCanvas|null} */
  #spare = null

  /** @param {CanvasImageSource & TexImageSource} picture @param {number} width @param {number} height of the picture as it comes */
  draw(picture, width, height) {
    const shown = this.packed ? height >> 1 : height
    if (this.canvas.width !== width || this.canvas.height !== shown) {
      this.canvas.width = width
      this.canvas.height = shown
    }
    if (this.#gl) drawPacked(this.#gl, picture, width, shown)
    else if (this.packed) this.#unpack(picture, width, shown)
    else this.#plain?.drawImage(picture, 0, 0, width, height)
  }

  /** Without WebGL: by hand. @param {CanvasImageSource} picture @param {number} width @param {number} height */
  #unpack(picture, width, height) {
    this.#spare ??= new OffscreenCanvas(width, 2 * height)
    if (this.#spare.width !== width || this.#spare.height !== 2 * height) this.#spare = new OffscreenCanvas(width, 2 * height)
    const context = this.#spare.getContext('2d', { willReadFrequently: true })
    if (!context) return
    context.drawImage(picture, 0, 0, width, 2 * height)
    const { data } = context.getImageData(0, 0, width, 2 * height)
    this.#plain?.putImageData(unpacked(data, width, height), 0, 0)
  }
}

/** @param {Uint8ClampedArray} data rows of colour, then rows of alpha @param {number} width @param {number} height of the half */
export function unpacked(data, width, height) {
  const out = new ImageData(width, height)
  const half = width * height * 4
  for (let n = 0; n < half; n += 4) {
    const alpha = data[half + n + 1]
    const scale = alpha > 2 ? 255 / alpha : 0
    out.data[n] = data[n] * scale
    out.data[n + 1] = data[n + 1] * scale
    out.data[n + 2] = data[n + 2] * scale
    out.data[n + 3] = alpha > 2 ? alpha : 0
  }
  return out
}

/** @param {WebGLRenderingContext} gl */
function setUp(gl) {
  const program = gl.createProgram()
  if (!program) return null
  for (const [kind, source] of /** @type {const} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = gl.createShader(kind)
    if (!shader) return null
    gl.shaderSource(shader, source)
    gl.compileShader(shader)
    gl.attachShader(program, shader)
  }
  gl.linkProgram(program)
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null
  gl.useProgram(program)
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer())
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW)
  const corner = gl.getAttribLocation(program, 'corner')
  gl.enableVertexAttribArray(corner)
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0)
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
  for (const [name, value] of /** @type {const} */ ([
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_MIN_FILTER, gl.LINEAR], [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
  ])) gl.texParameteri(gl.TEXTURE_2D, name, value)
  gl.clearColor(0, 0, 0, 0)
  return { gl, row: gl.getUniformLocation(program, 'row') }
}

/** @param {{gl: WebGLRenderingContext, row: WebGLUniformLocation|null}} made @param {TexImageSource} picture @param {number} width @param {number} height */
function drawPacked({ gl, row }, picture, width, height) {
  gl.viewport(0, 0, width, height)
  gl.uniform1f(row, 0.5 / height)
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture)
  gl.clear(gl.COLOR_BUFFER_BIT)
  gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4)
}
