// Package assay holds nothing but the rules of this module as tests; README.md
// says what assay is, docs/architecture.md how it is built.
package assay
