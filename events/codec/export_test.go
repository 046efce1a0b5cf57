package codec

// XAES is xaes, for the vectors of its specification.
var XAES = xaes
