const $ = id => document.getElementById(id),
  url = o => `data:image/${o.startsWith('UklGR') ? 'webp' : 'png'};base64,` + o, // clips are WebP files
  running = {}
const canvas = $('canvas'), // a page for clips has none: nothing is filled in there
  W = canvas?.width,
  H = canvas?.height,
  paint = canvas?.getContext('2d')
const key = 'ddpm_nb ' + document.body.dataset.model
let picture = null,
  mask = new Uint8Array(W * H),
  at = [W >> 1, H >> 1],
  focused = false

async function ask(path, body, stop, seen) {
  // POST, and read server-sent events as they come
  const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream' }
  if ($('token')) headers.Authorization = 'Bearer ' + $('token').value
  const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body), signal: stop })
  if (!answer.ok)
    throw Error((await answer.json().catch(() => ({}))).error || 'the service answered ' + answer.status)
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let text = ''; ;) {
    const { value, done } = await reader.read()
    if (done) throw Error('the connection was lost')
    text += value
    for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
      const [, kind, data] = text.slice(0, end).match(/^event: (\w+)\ndata: (.*)$/),
        found = JSON.parse(data)
      if (kind == 'done') return found
      if (kind == 'error') throw Error(found.error)
      seen(found)
    }
  }
}

function say(where, text, wrong) {
  const o = $(where + '-status')
  o.textContent = text
  o.className = wrong ? 'wrong' : ''
}

function show(where, images, names) {
  // pictures as buttons, each above what it was told: choosing one puts it on the canvas; clips only play
  const list = $(where + '-images')
  while (list.children.length > images.length) list.lastChild.remove()
  images.forEach((image, i) => {
    if (!list.children[i]) {
      const item = document.createElement('li'),
        button = document.createElement(canvas ? 'button' : 'div')
      if (canvas) button.type = 'button'
      button.append(document.createElement('img'), document.createElement('span'))
      item.append(button)
      list.append(item)
    }
    const button = list.children[i].firstChild
    button.firstChild.src = url(image)
    button.firstChild.alt = `image ${i + 1}${names?.[i] ? ': ' + names[i] : ''}`
    button.lastChild.textContent = names?.[i] ?? ''
    if (!canvas) return
    button.setAttribute('aria-pressed', false)
    button.onclick = () => {
      take(url(image))
      document.querySelectorAll('.images button').forEach(o => o.setAttribute('aria-pressed', o == button))
    }
  })
}

async function go(where, path, body) {
  running[where]?.abort()
  const stop = (running[where] = new AbortController()),
    bar = $(where + '-bar')
  $(where + '-stop').disabled = false
  bar.hidden = false
  bar.removeAttribute('value')
  say(where, 'waiting…')
  $(where + '-images').replaceChildren()
  try {
    const found = await ask(path, body, stop.signal, o => {
      bar.max = o.steps
      bar.value = o.step
      say(where, `step ${o.step} of ${o.steps}`)
      show(where, o.images, o.captions ?? o.classes)
    })
    show(where, found.images, found.captions ?? found.classes)
    const unseen = found.unseen?.length ? ` Words never seen in training: ${found.unseen.join(', ')}.` : ''
    const next = canvas ? ' Choose one to fill in a part of it.' : ''
    say(where, `Done: seed ${found.seed}, number ${found.id} in the record.${unseen}${next}`)
    const { image, mask, first_frame, ...settings } = body
    remember({
      where,
      settings: { ...settings, seed: found.seed },
      images: found.images.slice(0, 16),
      classes: found.captions ?? found.classes,
    })
  } catch (e) {
    if (running[where] == stop) e.name == 'AbortError' ? say(where, 'Stopped.') : say(where, e.message, true)
  }
  if (running[where] == stop) {
    bar.hidden = true
    $(where + '-stop').disabled = true
    delete running[where]
  }
}

function read(form, skip = '') {
  // the filled-in fields of a form
  const out = {}
  for (const o of form.querySelectorAll('.field input[type=number], .field select'))
    if (o.value !== '' && o.id) out[o.id.slice(skip.length)] = o.type == 'number' ? Number(o.value) : o.value
  const told = form.querySelector('.told')
  if (told) {
    const parts = {}
    for (const o of told.querySelectorAll('[data-part]')) {
      const value = valueOfPart(o)
      if (value !== undefined) parts[o.dataset.part] = value
    }
    const condition = 'single' in told.dataset ? parts.condition : parts
    if (condition !== undefined) out.condition = condition
  }
  return out
}
function valueOfPart(part) {
  // what one part of a condition says; undefined if it is empty
  const inputs = [...part.querySelectorAll('input, select')]
  if (part.dataset.kind == 'labels') {
    const held = inputs.filter(o => o.checked).map(o => o.value)
    return held.length ? held.filter(o => o !== '') : undefined
  }
  if (inputs.every(o => o.value === '')) return undefined
  if (['class', 'caption'].includes(part.dataset.kind)) return inputs[0].value
  const numbers = inputs.map(o => (o.value === '' ? null : Number(o.value)))
  return 'many' in part.dataset ? numbers : numbers[0]
}
function tell(form, condition) {
  // put a condition of the history back into its controls
  const told = form.querySelector('.told')
  for (const part of told?.querySelectorAll('[data-part]') ?? []) {
    const value = 'single' in told.dataset ? condition : condition?.[part.dataset.part]
    part.querySelectorAll('input, select').forEach((o, i) => {
      if (o.type == 'checkbox') o.checked = !!value && (o.value ? value.includes(o.value) : !value.length)
      else o.value = (Array.isArray(value) ? value[i] : value) ?? ''
    })
  }
}
for (const where of canvas ? ['make', 'fill'] : ['make']) {
  $(where + '-stop').onclick = () => running[where]?.abort()
}
async function opened(file) {
  const image = new Image(),
    source = URL.createObjectURL(file)
  image.src = source
  await image.decode()
  URL.revokeObjectURL(source)
  return image
}
$('make').onsubmit = async e => {
  e.preventDefault()
  const body = read($('make')),
    classes = [...document.querySelectorAll('[name=classes]:checked')].map(o => o.value)
  if (classes.length) body.classes = classes
  const first = $('first_frame'),
    { width, height } = first?.dataset ?? {}
  if (first?.files[0])
    try {
      const image = await opened(first.files[0])
      body.first_frame = plain(to => to.drawImage(image, 0, 0, width, height), width, height)
    } catch {
      return say('make', 'this file cannot be shown', true)
    }
  go('make', 'generate', body)
}

function plain(draw, width = W, height = H) {
  const o = document.createElement('canvas')
  o.width = width
  o.height = height
  draw(o.getContext('2d'))
  return o.toDataURL('image/png').split(',')[1]
}
function paintPicture(to) {
  to.drawImage(picture, 0, 0, W, H)
}
function paintMask(to) {
  const o = to.createImageData(W, H)
  for (let i = 0; i < W * H; i++) o.data.set([mask[i], mask[i], mask[i], 255], 4 * i)
  to.putImageData(o, 0, 0)
}
function draw() {
  // larger than the picture, so that cursor and mask can be seen
  const k = Math.max(1, Math.round(512 / Math.max(W, H)))
  canvas.width = W * k
  canvas.height = H * k
  paint.imageSmoothingEnabled = false
  if (picture) paint.drawImage(picture, 0, 0, W * k, H * k)
  paint.fillStyle = 'rgba(230, 60, 60, .7)'
  for (let i = 0; i < W * H; i++) if (mask[i]) paint.fillRect((i % W) * k, Math.floor(i / W) * k, k, k)
  if (focused) {
    paint.strokeStyle = '#2b7cff'
    paint.lineWidth = Math.max(2, k / 10)
    paint.strokeRect(at[0] * k, at[1] * k, k, k)
  }
  $('fill-go').disabled = !picture || !mask.some(o => o) || mask.every(o => o)
}
async function take(source) {
  const o = new Image()
  o.src = source
  await o.decode()
  onCanvas(o)
}
function onCanvas(image) {
  picture = image
  mask.fill(0)
  draw()
}
function dab(x, y, value = 255) {
  const r = $('brush').value / 2
  for (let j = 0; j < H; j++)
    for (let i = 0; i < W; i++) if (Math.max(Math.abs(i - x), Math.abs(j - y)) < r) mask[j * W + i] = value
  draw()
}
const place = e => {
  const o = canvas.getBoundingClientRect()
  return [Math.floor(((e.clientX - o.left) / o.width) * W), Math.floor(((e.clientY - o.top) / o.height) * H)]
}
if (canvas) {
  $('fill').onsubmit = e => {
    e.preventDefault()
    go('fill', 'restore', { ...read($('fill'), 'fill-'), image: plain(paintPicture), mask: plain(paintMask) })
  }
  canvas.onpointerdown = e => {
    canvas.setPointerCapture(e.pointerId)
    dab(...place(e))
  }
  canvas.onpointermove = e => {
    if (e.buttons) dab(...place(e))
  }
  canvas.onfocus = () => {
    focused = canvas.matches(':focus-visible')
    draw()
  }
  canvas.onblur = () => {
    focused = false
    draw()
  }
  canvas.onkeydown = e => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key]
    if (step)
      at = [Math.min(W - 1, Math.max(0, at[0] + step[0])), Math.min(H - 1, Math.max(0, at[1] + step[1]))]
    else if (e.key == ' ') dab(...at)
    else if (e.key == 'Backspace') dab(...at, 0)
    else return
    e.preventDefault()
    focused = true
    draw()
    $('cursor').textContent =
      `column ${at[0] + 1}, row ${at[1] + 1}${mask[at[1] * W + at[0]] ? ', painted' : ''}`
  }
  $('clear').onclick = () => {
    mask.fill(0)
    draw()
  }
  $('file').onchange = async e => {
    if (e.target.files[0])
      try {
        onCanvas(await opened(e.target.files[0]))
      } catch {
        say('fill', 'this file cannot be shown', true)
      }
  }
  draw()
}

let past = []
try {
  past = JSON.parse(localStorage.getItem(key)) || []
} catch {}
function remember(o) {
  past.unshift(o)
  past.length = Math.min(past.length, 12)
  keep()
}
function keep() {
  try {
    localStorage.setItem(key, JSON.stringify(past))
  } catch {}
  list()
}
function list() {
  $('history').replaceChildren(
    ...past.map(o => {
      const item = document.createElement('li'),
        button = document.createElement('button'),
        image = document.createElement('img'),
        text = document.createElement('span')
      button.type = 'button'
      image.src = url(o.images[0])
      image.alt = ''
      text.textContent =
        (o.where == 'make' ? '' : 'filled in · ') +
        Object.entries(o.settings)
          .filter(([k]) => k != 'condition')
          .map(([k, v]) => `${k} ${v}`)
          .concat(o.settings.condition !== undefined && o.classes[0] ? [o.classes[0]] : [])
          .join(' · ')
      button.append(image, text)
      item.append(button)
      button.onclick = () => {
        show(o.where, o.images, o.classes)
        say(o.where, 'From the history.')
        for (const [k, v] of Object.entries(o.settings)) {
          const field = $((o.where == 'fill' ? 'fill-' : '') + k)
          if (field) field.value = v
        }
        tell($(o.where), o.settings.condition)
        if (o.where == 'make')
          document
            .querySelectorAll('[name=classes]')
            .forEach(c => (c.checked = (o.settings.classes || []).includes(c.value)))
        $(o.where + '-title').scrollIntoView()
      }
      return item
    }),
  )
  $('forget').hidden = !past.length
}
$('forget').onclick = () => {
  past = []
  keep()
}
list()
