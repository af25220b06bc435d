package lint

import (
	"net/url"
	"path/filepath"
	"slices"

	"github.com/gatewright/gatewright/compiler/diagnostic"
	"github.com/gatewright/gatewright/manifest"
)

// The types below are the part of SARIF 2.1.0 that a linter needs. A library
// for it would bring all of the format, and its schema, to write these fields.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string             `json:"id"`
	ShortDescription sarifText          `json:"shortDescription"`
	Help             *sarifText         `json:"help,omitempty"`
	Configuration    sarifConfiguration `json:"defaultConfiguration"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type sarifLogical struct {
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

func (r Report) sarif() sarifLog {
	rules := append(diagnostic.Checks(), CutOff, Unreadable)
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "gatewright"}}, Results: []sarifResult{}}
	for _, c := range rules {
		rule := sarifRule{
			ID: c.ID, ShortDescription: sarifText{"Prevents " + c.Prevents},
			Configuration: sarifConfiguration{level(c.Severity)},
		}
		if c.Fix != "" {
			rule.Help = &sarifText{c.Fix}
		}
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	index := func(id string) int {
		return slices.IndexFunc(rules, func(c diagnostic.Check) bool { return c.ID == id })
	}
	for _, u := range r.Unreadable {
		run.Results = append(run.Results, sarifResult{
			RuleID: Unreadable.ID, RuleIndex: index(Unreadable.ID), Level: level(Unreadable.Severity),
			Message: sarifText{u.Message}, Locations: []sarifLocation{locationOf(u.Place, u.Object)},
		})
	}
	for _, f := range r.Findings {
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Check, RuleIndex: index(f.Check), Level: level(f.Severity),
			Message: sarifText{f.Diagnostic.String()}, Locations: []sarifLocation{locationOf(f.Place, f.Object.String())},
		})
	}
	return sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}
}

func locationOf(at manifest.Place, object string) sarifLocation {
	uri := url.URL{Path: filepath.ToSlash(at.File)}
	if filepath.IsAbs(at.File) {
		uri.Scheme = "file"
	}
	l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uri.String()}}}
	if at.Line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: at.Line, StartColumn: at.Column}
	}
	if object != "" {
		l.Logical = []sarifLogical{{FullyQualifiedName: object, Kind: "resource"}}
	}
	return l
}
