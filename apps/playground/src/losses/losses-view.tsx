import { written, type PageState } from '../page/page-state'

/** A case where a method fails, as a state of this page. */
interface Loss {
  readonly title: string
  readonly why: string
  readonly state: PageState
}

const LOSSES: readonly Loss[] = [
  {
    title: 'A window forgets what is behind it',
    why: 'streamingLlm answers only what its newest tokens hold. Ask for a word that was planted early.',
    state: { view: 'read', model: 'sharp', share: '2', needles: 'falcon.4729.300' },
  },
  {
    title: 'At 1/32 nearly everything forgets',
    why: 'Some 115 float32 tokens are left of 3,700, or four times as many in few bits. Most methods have lost the first word.',
    state: { view: 'read', model: 'sharp', share: '4', needles: 'falcon.4729.300,velvet.8210.4000' },
  },
  {
    title: 'A smooth summary cannot find one token',
    why: 'closure holds sums over all tokens. Where each query looks for one of them, its answer is the mean, or worse.',
    state: { view: 'heads', head: 'hopeless' },
  },
  {
    title: 'Where scores are small, choosing tokens is the wrong idea',
    why: 'On a diffuse head every policy that keeps tokens loses to a summary of a few kilobytes.',
    state: { view: 'heads', head: 'diffuse' },
  },
  {
    title: 'The paper’s size of an AMS sketch is too small',
    why: 'With 5 % of the rows, which is near log(1/δ)/ε², the inequality fails more often than it may.',
    state: { view: 'sketches', epsilon: '0.2', rows: '0.05' },
  },
]

/** Shows cases where methods of this project fail, each as a link to the state of this page that shows it. */
export function LossesView() {
  return (
    <section class="pitch">
      <h1>Where it loses</h1>
      <p>Every method fails somewhere. These are live: each link opens the case on this page.</p>
      <ul class="cards">
        {LOSSES.map(({ title, why, state }) => (
          <li key={title}>
            <a href={written(state)}>{title}</a>
            <p>{why}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}
