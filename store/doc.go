// Package store is the journal of verdigris: deployments with their phases and events, webhook deliveries,
// API tokens and settings, in one SQLite file.
//
// It satisfies deploy.Journal and decides nothing: what may be deployed, and in which order, is the controller's
// business. The one rule it holds is that a delivery and a commit become a deployment once, because only a
// transaction can promise that.
package store
