import { test, expect } from 'vitest'
import { fourWiseSigns, polynomialHash, bucketHash } from '@sublinear/hash-families'
import { kernels, scalarKernels } from '@sublinear/kernels'
test('speed', () => {
  const s = fourWiseSigns({count:1024, seed: 5})
  const out = new Uint32Array(2048)
  const f = new Float32Array(1024*64)
  for (let rep=0;rep<4;rep++){
    let t = performance.now(); const N=20000
    for (let i=0;i<N;i++) s.words(i*64,out)
    let d = performance.now()-t
    console.log('words', (N*65536/d/1e6).toFixed(2),'G/s', (d/N*1e3).toFixed(2),'us/block')
    t = performance.now(); const M=3000
    for (let i=0;i<M;i++) s.fill(i*64,64,f,0.1)
    d = performance.now()-t
    console.log('fill', (M*65536/d/1e6).toFixed(2),'G/s', (d/M*1e3).toFixed(2),'us/block')
    t=performance.now(); let x=0
    for (let i=0;i<100000;i++) x+=s.sign(3,i)
    d=performance.now()-t; console.log('sign', d/100000*1e6,'ns',x)
    for (const prime of ['2^31-1','2^61-1'] as const) { const h = polynomialHash({independence:4,seed:1,prime}); const o=new Uint32Array(2e6)
      t=performance.now(); h.fill(0,1e6,o); d=performance.now()-t; console.log(prime,d,'ns/key')
      t=performance.now(); h.fill(2**40,1e6,o); d=performance.now()-t; console.log(prime,'wide',d,'ns/key') }
    for (const k of [2,4]){const b=bucketHash({count:1,buckets:1024,independence:k,seed:1}); const o=new Uint32Array(1e6)
    t=performance.now(); b.fill(0,1e6,o); d=performance.now()-t; console.log('bucket',k,d,'ns/key')}
  }
})
