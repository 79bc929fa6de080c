const form = document.querySelector('form')
const list = document.querySelector('ul')

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const note = Object.fromEntries(new FormData(form))
  await call('/api/notes', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(note),
  })
  form.reset()
  await show()
})
await show()

async function show() {
  const [notes, { version }] = await Promise.all([call('/api/notes'), call('/version')])
  list.replaceChildren(...notes.map(line))
  document.querySelector('output').textContent = version
}

function line({ text, author }) {
  return Object.assign(document.createElement('li'), { textContent: author ? `${text} (${author})` : text })
}

async function call(path, options) {
  const response = await fetch(path, options)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}
