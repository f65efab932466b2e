import { written, type PageState } from '../page/page-state'

/** A case where a method fails, as a state of this page. */
interface Loss {
  readonly title: string
  readonly why: string
  readonly state: PageState
}

const LOSSES: readonly Loss[] = [
  {
    title: 'A window forgets the tokens before it',
    why: 'streamingLlm answers only from its first and its newest tokens. Ask for a word that was planted early.',
    state: { view: 'read', model: 'sharp', share: '2', needles: 'falcon.4729.300' },
  },
  {
    title: 'At 1/32 nearly everything forgets',
    why: 'Of 3,700 tokens some 115 are left in float32, or four times as many in few bits. Most methods have lost the first word.',
    state: { view: 'read', model: 'sharp', share: '4', needles: 'falcon.4729.300,velvet.8210.4000' },
  },
  {
    title: 'A smooth summary cannot find one token',
    why: 'closure holds sums over all tokens. If each query looks for one token, its answer is the mean of the values, or worse.',
    state: { view: 'heads', head: 'hopeless' },
  },
  {
    title: 'Where scores are small, it is wrong to choose tokens',
    why: 'On a diffuse head a summary of a few kilobytes is better than every policy that keeps tokens.',
    state: { view: 'heads', head: 'diffuse' },
  },
  {
    title: 'The paper’s size for an AMS sketch is too small',
    why: 'With 5 % of the rows, which is near log(1/δ)/ε², the inequality fails more often than it may.',
    state: { view: 'sketches', epsilon: '0.2', rows: '0.05' },
  },
]

/** Shows cases where methods of this project fail, each as a link to the state of this page that shows it. */
export function LossesView() {
  return (
    <section class="pitch">
      <h1>Where methods fail</h1>
      <p>Every method fails somewhere. Each link opens a case on this page and computes it.</p>
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
