import { useEffect, useState } from 'preact/hooks'

/** Code with a button that copies it. */
export function CodeBlock({ code }: { readonly code: string }) {
  const [said, setSaid] = useState('Copy')
  useEffect(() => setSaid('Copy'), [code])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code)
      setSaid('Copied')
    } catch {
      setSaid('Select it and copy: this browser allows no button')
    }
  }
  return (
    <div class="code">
      <button type="button" aria-live="polite" onClick={() => void copy()}>
        {said}
      </button>
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </div>
  )
}
