// Monomials of a table, and sums over features: what streams of features need.
export { monomialTable } from './monomial-table'
export { dot, dotColumns, rowSums } from './column-sums'
