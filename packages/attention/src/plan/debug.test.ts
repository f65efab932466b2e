import { test } from 'vitest'
import { gaussianModel } from './gaussian-model'
import { measurePilot } from './pilot'
import { modelledLaw, measuredLaw } from './error-law'
import { softmaxShares, sharesOf, candidates } from './candidates'
import { configuration, source } from '../../../../tools/experiments/src/plan/configurations'
test('x', () => {
  const c = configuration(1000000003)
  const t = source(c, 1)
  const pilot = measurePilot('x', { ...t.tokens(0, 512), queries: t.queries(512) }, t.scale)
  const m = gaussianModel(pilot, t.scale, c.n)
  const sp = m.sample.spreads
  let e = 0, e2 = 0, nz = 0, mx = 0
  m.queryShares.forEach((w, r) => { e += w * sp[r]! ** 2; e2 += w * Math.exp(sp[r]! ** 2); if (w > 0) { nz++; mx = Math.max(mx, sp[r]!) } })
  console.log('spread model', Math.sqrt(e), 'pilot', pilot.findings.scoreSpread, 'kappa', e2, 'nz', nz, 'mx', mx, 'pilot mx', Math.max(...pilot.spreads), 'kappa pilot', pilot.spreads.reduce((a, b) => a + Math.exp(b * b), 0) / 512)
  let ks = 0, kn = 0; m.tokenShares.forEach(w => { ks += w * w; kn += w > 0 ? 1 : 0 }); console.log('ess tokens', 1 / ks, kn)
  const ex = softmaxShares(m.sample)
  const out = modelledLaw(m, ex)(c.n)
  const avg = candidates({ d: c.d, dv: c.dv, scale: t.scale }, pilot, 1e9).find(x => x.name === 'averages')!
  console.log('out', out, 'avg', modelledLaw(m, sharesOf(avg, m.sample, t.scale, c.n), ex)(c.n), 'res', m.residual, m.residual / c.n)
  console.log(measuredLaw(pilot, softmaxShares(pilot))(c.n), measuredLaw(pilot, sharesOf(avg, pilot, t.scale, c.n), softmaxShares(pilot))(c.n))
})
