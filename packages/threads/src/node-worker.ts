import { nodePort } from './node-port'
import { serveLayers } from './serve-layers'

serveLayers(nodePort())
