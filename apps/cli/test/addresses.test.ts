// What stands behind a file's name. Kills: a colon in a folder's name taken for one of an address, a tensor's own dots and slashes cut, an index lost.
import { describe, expect, it } from 'vitest'
import { addressOf } from '../src/open-input'

describe('addressOf', () => {
  it.each([
    ['q.npy', { path: 'q.npy' }],
    ['q.npy[2,0]', { path: 'q.npy[2,0]' }],
    ['a:b/q.npy', { path: 'a:b/q.npy' }],
    ['q.npy:bfloat16', { path: 'q.npy', bfloat16: true }],
    ['q.npy:bfloat16[2,0]', { path: 'q.npy[2,0]', bfloat16: true }],
    ['q.npz', { path: 'q.npz' }],
    ['q.npz:k', { path: 'q.npz', tensor: 'k' }],
    ['d/q.npz:a/k[1]', { path: 'd/q.npz[1]', tensor: 'a/k' }],
    ['q.npz:k:bfloat16[1]', { path: 'q.npz[1]', tensor: 'k', bfloat16: true }],
    ['q.npz:bfloat16', { path: 'q.npz', bfloat16: true }],
    ['x.safetensors:layers.0/k:v[0,1]', { path: 'x.safetensors[0,1]', tensor: 'layers.0/k:v' }],
    ['x.safetensors:bfloat16', { path: 'x.safetensors', tensor: 'bfloat16' }],
    ['m/model.safetensors.index.json:w.k', { path: 'm/model.safetensors.index.json', tensor: 'w.k' }],
    ['models/mine/:w.k[3]', { path: 'models/mine/[3]', tensor: 'w.k' }],
  ])('reads %s', (text, address) => expect(addressOf(text)).toEqual(address))
})
